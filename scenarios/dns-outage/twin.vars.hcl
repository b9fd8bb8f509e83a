# A cache of 8 s cannot do this: it hides at most 8 of the 15 s.
cached_downtime = "3s"
