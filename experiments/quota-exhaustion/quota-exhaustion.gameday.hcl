variable "region" {
  type        = string
  description = "The region whose quota is used up"
}

variable "headroom" {
  type        = number
  default     = 0
  description = "How many instances may still be launched"
}

variable "hold" {
  type        = string
  default     = "60s"
  description = "How long the quota stays used up"
}

plugin "lab" {
  version = ">= 0.1"
}

target "lab_region" "region" {
  names = [var.region]
}

fault "lab_quota_exhaustion" "no_capacity" {
  targets  = target.lab_region.region
  headroom = var.headroom
  hold     = var.hold
}

output "fault" {
  value = fault.lab_quota_exhaustion.no_capacity
}
