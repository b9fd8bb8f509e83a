scenario "postgres-region-failover" {
  title       = "Lose the region of the PostgreSQL primary"
  hypothesis  = "When region east falls silent, west takes over: orders are accepted again within 10 s, and at most 1 s of acknowledged orders is lost."
  owner       = "team-orders"
  service     = "orders"
  tier        = "gold"
  tags        = ["quarterly", "ci"]
  environment = "hosts"

  baseline = "5s"
  recovery = "30s"
}

variable "dir" {
  type        = string
  default     = "/tmp/gameday-postgres"
  description = "The folder that env/up was given"
}

variable "decide" {
  type        = string
  default     = "3s"
  description = "How long it takes to notice and to decide"
}

variable "fence" {
  type        = bool
  default     = true
  description = "Whether the runbook shuts the old primary out before it makes a new one"
}

variable "rto" {
  type        = string
  default     = "10s"
  description = "How long users may notice"
}

variable "rpo" {
  type        = string
  default     = "1s"
  description = "How much acknowledged work may be lost"
}

plugin "host" {}

target "host_namespace" "east" {
  names = ["gd-pg-east"]
}

# What users do: an order, over the pooled connections of a shop that gives up after a second and connects again.
probe "postgres" "checkout" {
  hosts    = ["198.18.43.2:5432"]
  database = "shop"
  user     = "shop"
  password = "let-the-shop-in" # env/up makes the same
  query    = "INSERT INTO checkout DEFAULT VALUES"
  rate     = 20
  timeout  = "1s"

  expect {
    rows    = 1
    latency = "800ms"
  }
}

slo "checkout" {
  description = "Orders are accepted"
  probe       = probe.postgres.checkout
  target      = 99
}

ledger "postgres" "orders" {
  hosts    = ["198.18.43.2:5432"]
  database = "shop"
  user     = "shop"
  password = "let-the-shop-in" # env/up makes the same
  rate     = 50
  timeout  = "1s"
}

# Nothing that is sent to east arrives, and nothing that east sends: connections hang, none is refused.
fault "host_partition" "region_lost" {
  targets = target.host_namespace.east
  at      = "0s"
  hold    = "25s"
  release = "recovered"
}

action "exec" "failover" {
  command = concat(["env/failover", var.dir], var.fence ? ["fence"] : [])
  after   = fault.host_partition.region_lost
  at      = var.decide
  timeout = "20s"
}

# The people on call hear of it from the load balancer, once it has nobody left to send orders to.
alert "webhook" "on_call" {
  listen = "198.18.43.1:19096"
  token  = "wake-up" # env/up gives the same to env/pager
}

objective "orders_are_taken" {
  slo        = slo.checkout
  fault      = fault.host_partition.region_lost
  rto        = var.rto
  stable_for = "4s"
}

objective "somebody_is_told" {
  alert  = alert.webhook.on_call
  within = "5s"
}

objective "orders_survive" {
  ledger = ledger.postgres.orders
  fault  = fault.host_partition.region_lost
  rpo    = var.rpo
}

guard "too_long" {
  when = run.elapsed > duration("2m")
}

limit "blast_radius" {
  max_targets = 1
  max_faults  = 1
}
