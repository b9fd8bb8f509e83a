variable "delay" {
  type        = string
  description = "What is added to each direction of the link between the regions"
}

variable "hold" {
  type        = string
  default     = "90s"
  description = "How long the link stays slow"
}

plugin "lab" {
  version = ">= 0.1"
}

target "lab_link" "link" {}

fault "lab_link_latency" "slow_link" {
  targets = target.lab_link.link
  delay   = var.delay
  hold    = var.hold
}

output "fault" {
  value = fault.lab_link_latency.slow_link
}
