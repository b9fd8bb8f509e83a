# The lab cannot do this: two zones have not the capacity of three.
max_downtime = "2s"
