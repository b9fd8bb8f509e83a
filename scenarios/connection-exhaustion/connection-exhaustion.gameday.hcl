scenario "connection-exhaustion" {
  title       = "No connection and no file descriptor is left"
  hypothesis  = "When every PostgreSQL connection is taken, clients of the pool notice nothing; when nginx has no file descriptor left, visitors wait. Either is over as soon as its cause is."
  owner       = "team-platform"
  service     = "shop"
  tier        = "gold"
  tags        = ["quarterly", "ci"]
  environment = "hosts"

  baseline = "3s"
  recovery = "20s"
}

variable "max_downtime" {
  type        = string
  default     = "15s"
  description = "For how long in all visitors may be turned away by either"
}

locals {
  # What a client of PostgreSQL says first: its length, the version of the protocol, and who it is. Only from here on does a
  # connection count, so this is what a leak looks like to the server.
  startup = "\\x00\\x00\\x00\\x21\\x00\\x03\\x00\\x00user\\x00leak\\x00database\\x00shop\\x00\\x00"
}

plugin "host" {}

# Whoever has a connection already, as a pool does.
probe "postgres" "pool" {
  hosts    = ["198.18.42.2:5432"]
  database = "shop"
  user     = "pool"
  rate     = 10
  timeout  = "1s"
}

# Whoever needs a new one.
probe "postgres" "visitor" {
  hosts     = ["198.18.42.2:5432"]
  database  = "shop"
  user      = "visitor"
  keepalive = false
  rate      = 10
  timeout   = "1s"
}

probe "http" "web" {
  url       = "http://198.18.42.2:18142/"
  keepalive = false
  rate      = 10
  timeout   = "1s"
}

slo "pool" {
  description = "The pool's statements are answered"
  probe       = probe.postgres.pool
  target      = 99
}

slo "visitor" {
  description = "New connections to the database are accepted"
  probe       = probe.postgres.visitor
  target      = 99
}

slo "web" {
  description = "Pages are served to new visitors"
  probe       = probe.http.web
  target      = 99
}

target "host_endpoint" "database" {
  addresses = ["198.18.42.2:5432"]
}

target "host_process" "nginx" {
  port = 18142 # its master and its worker
}

fault "host_connection_exhaustion" "leak" {
  targets = target.host_endpoint.database
  at      = "0s"
  hold    = "5s"
  opening = local.startup
}

fault "host_fd_exhaustion" "files" {
  targets  = target.host_process.nginx
  at       = "8s"
  hold     = "5s"
  headroom = 0
}

objective "the_pool_goes_on" {
  slo        = slo.pool
  fault      = fault.host_connection_exhaustion.leak
  rto        = "3s"
  stable_for = "2s"
}

objective "visitors_are_turned_away_no_longer_than_it_lasts" {
  slo          = slo.visitor
  fault        = fault.host_connection_exhaustion.leak
  max_downtime = var.max_downtime
  stable_for   = "2s"
}

objective "pages_are_missing_no_longer_than_it_lasts" {
  slo          = slo.web
  fault        = fault.host_fd_exhaustion.files
  max_downtime = var.max_downtime
  stable_for   = "2s"
}

# The pool is not meant to be hit: if it is, somebody depends on more than this game day is about.
guard "the_pool_is_spared" {
  when = slo.pool.sli < 0.5
  for  = "3s"
}

limit "blast_radius" {
  max_targets = 3
}
