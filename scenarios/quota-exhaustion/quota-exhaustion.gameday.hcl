scenario "quota-exhaustion" {
  title      = "Lose a zone while no capacity can be had"
  hypothesis = "With the quota for new instances used up, the two remaining zones still serve nine orders out of ten."
  owner      = "team-platform"
  service    = "checkout"
  tier       = "gold"
  tags       = ["quarterly", "ci"]

  baseline = "5s"
  recovery = "45s"
}

variable "max_downtime" {
  type        = string
  default     = "40s"
  description = "How long users may be refused in all"
}

plugin "lab" {
  version = ">= 0.1"
}

probe "http" "checkout" {
  method   = "POST"
  url      = "${plugin.lab.url}/orders"
  headers  = { "Content-Type" = "application/json" }
  body     = jsonencode({ sku = "sku-1", quantity = 1 })
  resolver = plugin.lab.dns
  rate     = 50
  timeout  = "1s"

  expect {
    status  = [201]
    latency = "400ms"
  }
}

slo "checkout" {
  description = "Orders are accepted"
  probe       = probe.http.checkout
  target      = 99
}

# The quota is gone first; the zone follows, and the autoscaler asks in vain.
experiment "quota" {
  source = "../../experiments/quota-exhaustion"
  region = "east"
  hold   = "30s"
}

target "lab_zone" "victim" {
  names = ["east-b"]
}

fault "lab_zone_outage" "lose_zone" {
  targets = target.lab_zone.victim
  after   = experiment.quota.fault
  at      = "1s"
  hold    = "25s"
}

objective "bounded_outage" {
  slo          = slo.checkout
  fault        = fault.lab_zone_outage.lose_zone
  max_downtime = var.max_downtime
}

guard "customers_first" {
  when = slo.checkout.sli < 0.2
  for  = "20s"
}

limit "blast_radius" {
  max_targets = 2
}
