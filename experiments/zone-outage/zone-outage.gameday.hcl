variable "zone" {
  type        = string
  description = "The zone to lose"
  validation {
    condition     = can(regex("^(east|west)-[abc]$", var.zone))
    error_message = "A zone of the lab is east-a, east-b, east-c, west-a, west-b or west-c."
  }
}

variable "mode" {
  type        = string
  default     = "kill"
  description = "kill ends the zone's processes; freeze stops them, which leaves connections open and hanging"
}

variable "slo" {
  type        = slo
  description = "What users must keep, or get back"
}

variable "rto" {
  type        = string
  default     = "15s"
  description = "How long users may notice"
}

variable "hold" {
  type        = string
  default     = "40s"
  description = "How long the zone stays lost at the most"
}

plugin "lab" {
  version = ">= 0.1"
}

target "lab_zone" "victim" {
  names = [var.zone]
}

fault "lab_zone_outage" "lose_zone" {
  targets = target.lab_zone.victim
  mode    = var.mode
  hold    = var.hold
  release = "recovered"
}

objective "recovers" {
  slo        = var.slo
  fault      = fault.lab_zone_outage.lose_zone
  rto        = var.rto
  stable_for = "5s"
}

output "fault" {
  value = fault.lab_zone_outage.lose_zone
}
