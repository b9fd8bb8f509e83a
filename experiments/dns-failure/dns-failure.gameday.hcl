variable "names" {
  type        = list(string)
  default     = ["shop.lab.test"]
  description = "The names that fail"
}

variable "mode" {
  type        = string
  default     = "nxdomain"
  description = "nxdomain, servfail, refused, drop, delay, wrong_address or empty"
}

variable "slo" {
  type        = slo
  description = "What users must keep, or get back"
}

variable "rto" {
  type        = string
  default     = "10s"
  description = "How long users may notice"
}

variable "hold" {
  type        = string
  default     = "20s"
  description = "How long the names fail"
}

plugin "lab" {
  version = ">= 0.1"
}

target "lab_service" "names" {
  names = var.names
}

fault "lab_dns_failure" "no_answer" {
  targets = target.lab_service.names
  mode    = var.mode
  hold    = var.hold
}

objective "survives" {
  slo        = var.slo
  fault      = fault.lab_dns_failure.no_answer
  rto        = var.rto
  stable_for = "5s"
}

output "fault" {
  value = fault.lab_dns_failure.no_answer
}
