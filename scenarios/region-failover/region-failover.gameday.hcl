scenario "region-failover" {
  title       = "Lose the active region and fail over"
  hypothesis  = "Orders are accepted again within 30 s of losing region east, and at most 2 s of acknowledged orders are lost."
  owner       = "team-checkout"
  service     = "checkout"
  tier        = "gold"
  tags        = ["quarterly", "ci"]
  environment = "lab"

  baseline = "5s"
  recovery = "60s"
}

variable "link_delay" {
  type        = string
  default     = "250ms"
  description = "What is added to each direction of the link between the regions before the region is lost"
}

variable "decide" {
  type        = string
  default     = "3s"
  description = "How long the decision to fail over takes"
}

variable "rpo" {
  type        = string
  default     = "2s"
  description = "How much acknowledged work may be lost"
}

variable "rto" {
  type        = string
  default     = "30s"
  description = "How long users may notice"
}

plugin "lab" {
  version = ">= 0.1"
}

probe "http" "checkout" {
  method    = "POST"
  url       = "${plugin.lab.url}/orders"
  headers   = { "Content-Type" = "application/json" }
  body      = jsonencode({ sku = "sku-1", quantity = 1 })
  resolver  = plugin.lab.dns
  keepalive = false
  rate      = 20
  timeout   = "1s"

  expect {
    status  = [201]
    latency = "600ms"
  }
}

slo "checkout" {
  description = "Orders are accepted"
  probe       = probe.http.checkout
  target      = 99
}

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

# The mirror in region west lags by what the link takes. Then the region is lost, with whatever is still on its way.
experiment "slow_link" {
  source = "../../experiments/link-delay"
  delay  = var.link_delay
  hold   = "35s"
}

experiment "region" {
  source = "../../experiments/region-outage"
  slo    = slo.checkout
  after  = experiment.slow_link.fault
  at     = "3s"
  decide = var.decide
  rto    = var.rto
  hold   = "50s"
}

objective "orders_survive" {
  ledger = ledger.http.orders
  fault  = experiment.region.fault
  rpo    = var.rpo
}

guard "too_long" {
  when = run.elapsed > duration("4m")
}

limit "blast_radius" {
  max_targets = 2
}
