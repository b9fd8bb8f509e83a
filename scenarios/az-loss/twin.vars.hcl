# The lab cannot do this: its load balancer needs longer to notice that a zone is gone.
rto = "200ms"
