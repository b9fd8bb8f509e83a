# For an environment that was built with env/up DIR sync: a commit waits for the other region, and nothing may be lost.
rpo = "0s"
