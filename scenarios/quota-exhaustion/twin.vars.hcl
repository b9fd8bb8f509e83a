# The lab cannot do this: two zones take 40 orders a second, and 50 come.
floor = 99
