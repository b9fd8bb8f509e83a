scenario "quota-exhaustion" {
  title       = "Lose a zone while no capacity can be had"
  hypothesis  = "A zone lost while no capacity can be had costs orders, but not most of them: within 15 s seven of ten are taken again, and all are once the zone is back."
  owner       = "team-platform"
  service     = "checkout"
  tier        = "gold"
  tags        = ["quarterly", "ci"]
  environment = "lab"

  baseline = "5s"
  recovery = "45s"
}

variable "floor" {
  type        = number
  default     = 70
  description = "The share of orders, in percent, that two zones have to take by themselves"
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

slo "most_orders" {
  description = "Most orders are accepted, although a zone is missing"
  probe       = probe.http.checkout
  target      = var.floor
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

objective "two_zones_carry_most" {
  slo        = slo.most_orders
  fault      = fault.lab_zone_outage.lose_zone
  rto        = "15s"
  stable_for = "5s"
}

objective "bounded_outage" {
  slo          = slo.checkout
  fault        = fault.lab_zone_outage.lose_zone
  max_downtime = "45s"
}

guard "customers_first" {
  when = slo.checkout.sli < 0.2
  for  = "20s"
}

limit "blast_radius" {
  max_targets = 2
}
