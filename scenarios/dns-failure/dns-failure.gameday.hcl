scenario "dns-failure" {
  title       = "The shop's name cannot be resolved"
  hypothesis  = "Clients that keep their connections do not notice 15 s without DNS; clients that connect anew recover within 10 s of its return."
  owner       = "team-checkout"
  service     = "checkout"
  tier        = "gold"
  tags        = ["quarterly", "ci"]
  environment = "lab"

  baseline = "5s"
  recovery = "45s"
}

variable "mode" {
  type        = string
  default     = "servfail"
  description = "How DNS fails"
}

variable "fresh_downtime" {
  type        = string
  default     = "25s"
  description = "Downtime allowed to clients that connect anew"
}

plugin "lab" {
  version = ">= 0.1"
}

# Two kinds of client. The first keeps its connections, as most services do.
probe "http" "kept" {
  url       = "${plugin.lab.url}/healthz"
  resolver  = plugin.lab.dns
  keepalive = true
  rate      = 20
  timeout   = "1s"
  expect {
    status = [200]
  }
}

# The second connects for every request, and so resolves the name whenever its TTL has run out.
probe "http" "fresh" {
  url       = "${plugin.lab.url}/healthz"
  resolver  = plugin.lab.dns
  keepalive = false
  rate      = 20
  timeout   = "1s"
  expect {
    status = [200]
  }
}

probe "dns" "name" {
  server  = plugin.lab.dns
  name    = "shop.lab.test"
  type    = "A"
  rate    = 5
  timeout = "1s"
  expect {
    rcode       = "NOERROR"
    min_answers = 1
  }
}

slo "kept" {
  description = "Clients that keep their connections"
  probe       = probe.http.kept
  target      = 90 # a connection that has to be opened anew needs DNS as well; now and then there is one
}

slo "fresh" {
  description = "Clients that connect anew"
  probe       = probe.http.fresh
  target      = 99
}

slo "name" {
  description = "The name resolves"
  probe       = probe.dns.name
  target      = 99
}

experiment "dns" {
  source = "../../experiments/dns-failure"
  mode   = var.mode
  slo    = slo.kept
  rto    = "5s"
  hold   = "15s"
}

objective "kept_connections" {
  slo          = slo.kept
  fault        = experiment.dns.fault
  max_downtime = "1s"
}

objective "fresh_connections" {
  slo          = slo.fresh
  fault        = experiment.dns.fault
  max_downtime = var.fresh_downtime
}

guard "too_long" {
  when = run.elapsed > duration("3m")
}

limit "blast_radius" {
  max_targets = 1
}
