# The load balancer cannot do this: it needs three checks of a second each to see that a zone is silent.
rto = "1s"
