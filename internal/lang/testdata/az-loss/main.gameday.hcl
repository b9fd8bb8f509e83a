scenario "az-loss" {
  title      = "Lose one availability zone"
  hypothesis = "Checkout recovers within 15 s of losing a zone, and no acknowledged order is lost."
  owner      = "team-checkout"
  service    = "checkout"
  tier       = "gold"
  tags       = ["quarterly", "ci"]

  baseline = "10s" # the steady state must hold this long before anything is injected
  recovery = "60s" # how long to wait, after the reverts, for the steady state to hold again
}

variable "zone" {
  type        = string
  default     = "east-a"
  description = "The zone to lose"
  validation {
    condition     = can(regex("^(east|west)-[abc]$", var.zone))
    error_message = "A zone of the lab is east-a ... west-c."
  }
}

plugin "lab" {
  version = ">= 0.1"
}

target "lab_zone" "victim" {
  names = [var.zone]
}

probe "http" "checkout" {
  method   = "POST"
  url      = "http://shop.lab.test:18080/orders"
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
  target      = 99.0
}

ledger "http" "orders" {
  rate = 20
  write { url = "http://shop.lab.test:18080/ledger" }
  read { url = "http://shop.lab.test:18080/ledger" }
}

fault "lab_zone_outage" "lose_zone" {
  targets = target.lab_zone.victim
  at      = "0s"
  hold    = "45s"
  release = "recovered" # revert as soon as every objective that waits on it has been stable; never later than hold
}

objective "checkout_recovers" {
  slo        = slo.checkout
  fault      = fault.lab_zone_outage.lose_zone
  rto        = "15s"
  stable_for = "5s"
}

objective "orders_survive" {
  ledger = ledger.http.orders
  rpo    = "0s"
}

guard "customers_first" {
  when = slo.checkout.sli < 0.5
  for  = "30s"
}

limit "blast_radius" {
  max_targets = 1
  max_percent = 34
  protect     = ["lab_region"]
}
