# What a line of a timeline is about, where its source has no word for it. The first that matches counts.

kind "note" {
  words = ["alert created"] # the detection has a line of its own
}

kind "fault" {
  words = ["root cause", "caused by", "went down", "crashed", "was lost", "power was lost", "failed over unexpectedly", "ran out", "expired", "misconfigur", "bad deploy"]
}

kind "impact" {
  words = ["customers see", "users see", "customer impact", "orders are refused", "impact starts", "impact began", "error rate rose", "errors rise", "unavailable to customers"]
}

kind "recovery" {
  words = ["resolved", "fully recovered", "all clear", "back to normal", "incident closed", "alert closed", "service restored"]
}

kind "mitigation" {
  words = ["mitigat", "rolled back", "rollback", "failed over", "failover", "restarted", "scaled up", "raised the", "was raised", "fix deployed", "deployed a fix", "workaround"]
}

kind "decision" {
  words = ["decided", "decision", "identified", "we know that", "agreed to"]
}

kind "detection" {
  words = ["alert fired", "alert", "paged", "page", "on-call", "detected", "noticed", "reported", "monitoring shows"]
}

kind "acknowledged" {
  words = ["acknowledged", "acked", "investigating", "joined the call", "incident channel"]
}
