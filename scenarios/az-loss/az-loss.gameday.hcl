scenario "az-loss" {
  title       = "Lose one availability zone"
  hypothesis  = "Checkout recovers within 15 s of losing a zone, and no acknowledged order is lost."
  owner       = "team-checkout"
  service     = "checkout"
  tier        = "gold"
  tags        = ["quarterly", "ci"]
  environment = "lab"

  baseline = "5s"
  recovery = "45s"
}

variable "zone" {
  type        = string
  default     = "east-a"
  description = "The zone to lose"
}

variable "rto" {
  type        = string
  default     = "15s"
  description = "How long users may notice"
}

plugin "lab" {
  version = ">= 0.1"
}

# What users do, 50 times a second, whether or not the last order has come back.
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

# Numbered orders, of which every acknowledged one has to be there afterwards.
ledger "http" "orders" {
  resolver = plugin.lab.dns
  rate     = 20

  write {
    url = "${plugin.lab.url}/ledger"
  }
  read {
    url = "${plugin.lab.url}/ledger"
  }
}

experiment "zone" {
  source = "../../experiments/zone-outage"
  zone   = var.zone
  slo    = slo.checkout
  rto    = var.rto
}

objective "orders_survive" {
  ledger = ledger.http.orders
  fault  = experiment.zone.fault
  rpo    = "0s"
}

guard "customers_first" {
  when = slo.checkout.sli < 0.2
  for  = "20s"
}

limit "blast_radius" {
  max_targets = 1
  max_percent = 34
  protect     = ["lab_region"]
}
