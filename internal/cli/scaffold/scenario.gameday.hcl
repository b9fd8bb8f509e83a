# The smallest game day that is worth running. Every block is explained in docs/language.md.
scenario "first" {
  title      = "Lose one zone of the lab"
  hypothesis = "The shop goes on taking orders within 15 s of losing a zone."
  owner      = "me"
  service    = "shop"

  baseline = "5s"  # the steady state must hold this long before anything is injected
  recovery = "30s" # how long to wait, after the revert, for it to hold again
}

# Another zone: gameday run -var zone=east-b .
variable "zone" {
  type        = string
  default     = "east-a"
  description = "The zone to lose"
}

# The lab is the target that comes with gameday: gameday lab up
plugin "lab" {}

# What may be touched.
target "lab_zone" "victim" {
  names = [var.zone]
}

# One user, asking 20 times a second whatever the answers do.
probe "http" "orders" {
  method   = "POST"
  url      = "${plugin.lab.url}/orders"
  body     = jsonencode({ sku = "sku-1", quantity = 1 })
  resolver = plugin.lab.dns
  rate     = 20
  timeout  = "1s"

  expect {
    status = [201]
  }
}

slo "orders" {
  description = "Orders are accepted"
  probe       = probe.http.orders
  target      = 99.0
}

fault "lab_zone_outage" "lose_zone" {
  targets = target.lab_zone.victim
  hold    = "40s"       # never longer than this
  release = "recovered" # and shorter, once the objective has been met for good
}

objective "orders_recover" {
  slo        = slo.orders
  fault      = fault.lab_zone_outage.lose_zone
  rto        = "15s"
  stable_for = "5s"
}

# Everything stops and is put back when this becomes true.
guard "enough" {
  when = slo.orders.sli < 0.2
  for  = "30s"
}

limit "blast_radius" {
  max_targets = 1
}
