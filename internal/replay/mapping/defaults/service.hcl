# How a service of your own is watched: the replay asks for its URL.

watch     = <<-EOT
  variable "url" {
    type        = string
    description = "What users request: the replay runs as often as they would"
  }

  probe "http" "service" {
    url     = var.url
    rate    = 20
    timeout = "1s"
  }

  slo "service" {
    description = "Requests are answered"
    probe       = probe.http.service
    target      = 99
  }

  slo "mostly" {
    description = "Most requests are answered"
    probe       = probe.http.service
    target      = 80
  }

  guard "customers_first" {
    when = slo.service.sli < 0.5
    for  = "1m"
  }
EOT
slo       = "slo.service"
mitigated = "slo.mostly"
