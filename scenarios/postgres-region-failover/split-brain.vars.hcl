# Nobody shuts the old primary out. When the region comes back, the load balancer finds two primaries and prefers the old one:
# what west has acknowledged meanwhile is lost at the failback.
fence = false
