scenario "az-loss-aws" {
  title       = "AWS loses one availability zone"
  hypothesis  = "Users are served again within ${var.rto} of losing a zone, and the people on call hear of it within ${var.detect}."
  owner       = "team-platform"
  service     = "shop"
  tier        = "gold"
  tags        = ["quarterly"]
  environment = var.environment

  baseline = var.baseline
  recovery = var.recovery
}

variable "account" {
  type        = string
  description = "The ID of the account. Nothing is changed in any other one"
  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "An account's ID has twelve digits, as aws sts get-caller-identity prints it."
  }
}

variable "region" {
  type        = string
  description = "The region, such as eu-west-1"
}

variable "zone" {
  type        = string
  description = "The zone to lose: its ID, such as euw1-az2, or its name, which means another zone in another account"
}

variable "vpc" {
  type        = string
  description = "The ID of the VPC. What of the zone is in another one is left alone"
}

variable "url" {
  type        = string
  description = "What users ask for, through the load balancer"
}

variable "target_group" {
  type        = string
  description = "The name or the ARN of the load balancer's target group"
}

variable "pager_alarm" {
  type        = string
  description = "The name of the CloudWatch alarm that wakes somebody up"
}

variable "stop_alarm" {
  type        = string
  description = "The name of the CloudWatch alarm that ends the game day: customers suffer beyond what was agreed"
}

variable "environment" {
  type        = string
  default     = "aws"
  description = "What is locked while this runs"
}

variable "rto" {
  type        = string
  default     = "60s"
  description = "How long users may notice"
}

variable "detect" {
  type        = string
  default     = "3m"
  description = "How long it may take until somebody is woken up"
}

variable "hold" {
  type        = string
  default     = "10m"
  description = "How long the zone is lost at most"
}

variable "baseline" {
  type        = string
  default     = "1m"
  description = "How long everything must be well before"
}

variable "recovery" {
  type        = string
  default     = "15m"
  description = "How long it may take until everything is well again"
}

variable "rate" {
  type        = number
  default     = 20
  description = "How often users ask, in a second"
}

plugin "aws" {
  region   = var.region
  accounts = [var.account]
}

target "aws_zone" "lost" {
  names = [var.zone]
}

# What users do. Each asks over a connection of its own, as separate users do.
probe "http" "shop" {
  url       = var.url
  rate      = var.rate
  timeout   = "2s"
  keepalive = false

  expect {
    status  = [200]
    latency = "1s"
  }
}

slo "shop" {
  description = "The shop answers"
  probe       = probe.http.shop
  target      = 99
}

# What the load balancer thinks, beside what users see: a target that it can send them to.
probe "aws_target_health" "targets" {
  target_group = var.target_group
  min_healthy  = 1
  rate         = 1
  timeout      = "5s"
}

probe "aws_alarm" "customers" {
  alarm   = var.stop_alarm
  rate    = 1
  timeout = "5s"
}

alert "aws_cloudwatch" "pager" {
  alarm    = var.pager_alarm
  interval = "2s"
}

# All parts of it are in the plan, by name, and each of them is a fault of its own as well. The load balancer is left to find out by itself.
fault "aws_zone_outage" "zone" {
  targets = target.aws_zone.lost
  vpcs    = [var.vpc]
  hold    = var.hold
  release = "recovered"

  network        = "deny"
  scaling        = "suspend"
  instances      = "stop"
  databases      = "failover"
  caches         = "failover"
  load_balancers = "none"
}

objective "users_recover" {
  slo        = slo.shop
  rto        = var.rto
  stable_for = "5s"
}

objective "people_are_told" {
  alert  = alert.aws_cloudwatch.pager
  within = var.detect
}

guard "customers_first" {
  when = probe.aws_alarm.customers.error_ratio > 0
}

guard "no_target_left" {
  when = probe.aws_target_health.targets.error_ratio > 0.9
  for  = "30s"
}

guard "half_of_all" {
  when = slo.shop.sli < 0.5
  for  = "2m"
}

limit "blast_radius" {
  max_targets = 1
  max_percent = 50
  max_faults  = 1
}
