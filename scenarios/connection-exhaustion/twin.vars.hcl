# Nobody can promise this: a server without a free connection turns visitors away.
max_downtime = "1s"
