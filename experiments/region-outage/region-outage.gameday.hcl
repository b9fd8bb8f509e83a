variable "region" {
  type        = string
  default     = "east"
  description = "The region to lose"
}

variable "to" {
  type        = string
  default     = "west"
  description = "The region that takes over"
}

variable "decide" {
  type        = string
  default     = "5s"
  description = "How long the team takes to decide; the failover starts this long after the outage"
}

variable "slo" {
  type        = slo
  description = "What users must get back"
}

variable "rto" {
  type        = string
  default     = "30s"
  description = "How long users may notice"
}

variable "hold" {
  type        = string
  default     = "45s"
  description = "How long the region stays lost at the most"
}

plugin "lab" {
  version = ">= 0.1"
}

target "lab_region" "victim" {
  names = [var.region]
}

fault "lab_region_outage" "lose_region" {
  targets  = target.lab_region.victim
  cut_link = true
  hold     = var.hold
  release  = "recovered"
}

action "lab_region_failover" "fail_over" {
  after   = fault.lab_region_outage.lose_region
  at      = var.decide
  to      = var.to
  timeout = "60s"

  undo {
    to = var.region
  }
}

objective "recovers" {
  slo        = var.slo
  fault      = fault.lab_region_outage.lose_region
  rto        = var.rto
  stable_for = "5s"
}

output "fault" {
  value = fault.lab_region_outage.lose_region
}
