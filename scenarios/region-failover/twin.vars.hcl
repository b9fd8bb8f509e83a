# The lab cannot do this: the mirror is asynchronous, and what is on its way when the region dies is lost.
rpo = "0s"
