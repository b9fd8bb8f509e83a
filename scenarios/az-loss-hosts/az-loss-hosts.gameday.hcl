scenario "az-loss-hosts" {
  title       = "A zone falls silent"
  hypothesis  = "When one of three zones falls silent, users are served again within 6 s, Prometheus fires within 8 s, and the people on call hear of it within 10 s."
  owner       = "team-platform"
  service     = "web"
  tier        = "gold"
  tags        = ["quarterly", "ci"]
  environment = "hosts"

  baseline = "4s"
  recovery = "30s"
}

variable "zone" {
  type        = string
  default     = "b"
  description = "The zone that falls silent"
  validation {
    condition     = contains(["a", "b", "c"], var.zone)
    error_message = "A zone is a, b or c."
  }
}

variable "mode" {
  type        = string
  default     = "drop"
  description = "drop: nobody answers any more. reject: every connection is refused at once, which is the failure that people test"
}

variable "rto" {
  type        = string
  default     = "6s"
  description = "How long users may notice"
}

plugin "host" {}

target "host_namespace" "zone" {
  names = ["gd-az-${var.zone}"]
}

# What users do, 50 times a second. Each asks over a connection of its own, as separate users do.
probe "http" "web" {
  url       = "http://198.18.41.2:8080/"
  rate      = 50
  timeout   = "1s"
  keepalive = false

  expect {
    status  = [200]
    latency = "250ms"
  }
}

slo "web" {
  description = "Pages are served"
  probe       = probe.http.web
  target      = 99
}

# What the monitoring knows, and when the people on call are told.
alert "prometheus" "zone_down" {
  url      = "http://198.18.41.2:9090"
  alert    = "ZoneDown"
  labels   = { server = "zone-${var.zone}" }
  interval = "250ms"
}

alert "webhook" "on_call" {
  listen = "198.18.41.1:19095"
  token  = "tell-the-people" # env/up writes the same into Alertmanager's configuration
  alert  = "ZoneDown"
  labels = { server = "zone-${var.zone}" }
}

fault "host_partition" "silence" {
  targets = target.host_namespace.zone
  at      = "0s"
  hold    = "20s"
  release = "recovered"
  mode    = var.mode
}

objective "users_recover" {
  slo        = slo.web
  rto        = var.rto
  stable_for = "4s"
}

objective "monitoring_notices" {
  alert  = alert.prometheus.zone_down
  within = "8s"
}

objective "people_are_told" {
  alert  = alert.webhook.on_call
  within = "10s"
}

guard "customers_first" {
  when = slo.web.sli < 0.4
  for  = "10s"
}

limit "blast_radius" {
  max_targets = 1
}
