scenario "dns-outage" {
  title       = "The name server behind the resolvers fails"
  hypothesis  = "A resolver's cache hides an outage of the name server for at most the TTL of 8 s, and prolongs it by at most the 6 s for which nothing is remembered too: of 15 s without it, nobody feels more than 23 s."
  owner       = "team-platform"
  service     = "shop"
  tier        = "gold"
  tags        = ["quarterly", "ci"]
  environment = "hosts"

  baseline = "4s"
  recovery = "45s"
}

variable "mode" {
  type        = string
  default     = "nxdomain"
  description = "How the name server fails: nxdomain, servfail, refused, drop, delay, truncated, wrong_address, empty, stale"
}

variable "hold" {
  type        = string
  default     = "15s"
  description = "How long it fails"
}

variable "fresh_downtime" {
  type        = string
  default     = "18s"
  description = "Downtime allowed to clients whose resolver has no cache"
}

variable "cached_downtime" {
  type        = string
  default     = "23s"
  description = "Downtime allowed to clients whose resolver has a cache"
}

plugin "dns" {}

# The queries that both resolvers send to the name server. No resolver and no client knows of this.
target "dns_traffic" "behind_the_resolvers" {
  namespaces = ["gd-dns-edge"]
  servers    = ["198.18.53.6"]
}

fault "dns_failure" "outage" {
  targets = target.dns_traffic.behind_the_resolvers
  at      = "0s"
  hold    = var.hold
  names   = [".shop.test"]
  mode    = var.mode
  ttl     = contains(["nxdomain", "empty", "wrong_address"], var.mode) ? "6s" : null
}

# Users connect anew for every page, so each needs the name. They keep an answer for as long as its TTL says, and no longer.
probe "http" "fresh" {
  url       = "http://app.shop.test:8080/fresh"
  resolver  = "198.18.53.2:5353"
  keepalive = false
  rate      = 25
  timeout   = "1s"
  expect {
    status = [200]
  }
}

probe "http" "cached" {
  url       = "http://app.shop.test:8080/cached"
  resolver  = "198.18.53.2:53"
  keepalive = false
  rate      = 25
  timeout   = "1s"
  expect {
    status = [200]
  }
}

slo "fresh" {
  description = "Pages for users whose resolver has no cache"
  probe       = probe.http.fresh
  target      = 99
}

slo "cached" {
  description = "Pages for users whose resolver has a cache"
  probe       = probe.http.cached
  target      = 99
}

objective "fresh_clients" {
  slo          = slo.fresh
  max_downtime = var.fresh_downtime
  stable_for   = "5s"
}

objective "cached_clients" {
  slo          = slo.cached
  max_downtime = var.cached_downtime
  stable_for   = "7s" # longer than anything is remembered
}

guard "too_long" {
  when = run.elapsed > duration("3m")
}

limit "blast_radius" {
  max_targets = 1
}
