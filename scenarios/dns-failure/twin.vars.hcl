# The lab cannot do this: a client that connects anew has no address once the TTL has run out.
fresh_downtime = "1s"
