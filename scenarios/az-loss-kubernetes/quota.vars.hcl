# Others have taken the capacity: of six pods the namespace may have four, and so those of the lost zone do not come back.
quota = "4"
