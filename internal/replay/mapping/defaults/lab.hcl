# Onto the embedded lab: gameday lab up.

watch     = <<-EOT
  plugin "lab" {
    version = ">= 0.1"
  }

  # What users do, 50 times a second, whether or not the last order has come back.
  probe "http" "checkout" {
    method   = "POST"
    url      = "$${plugin.lab.url}/orders"
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

  slo "most_orders" {
    description = "Most orders are accepted"
    probe       = probe.http.checkout
    target      = 80
  }
EOT
slo       = "slo.checkout"
mitigated = "slo.most_orders"

rule "quota" {
  words  = ["quota", "instance limit", "insufficient capacity", "no capacity"]
  fault  = "lab_quota_exhaustion"
  target = "lab_region"

  find "names" {
    in        = "target"
    pattern   = "\\b(east|west)\\b"
    otherwise = ["east"]
  }
}

rule "throttling" {
  words = ["throttl", "rate limit", "429"]
  todo  = "The lab does not throttle. Write a fault that slows the dependency down: proxy_bandwidth or proxy_latency of the proxy plugin, or lab_latency for a zone."
}

rule "certificate" {
  words = ["certificate", "TLS", "SSL"]
  todo  = "No plugin lets a certificate expire yet. Let an action \"exec\" put an expired one in place, with an undo that puts the good one back."
}

rule "connection pool" {
  words = ["connection pool", "too many connections", "pool exhaust"]
  todo  = "The lab has no pool of connections. proxy_latency of the proxy plugin in front of the database fills a real one: each connection is held for longer."
}

rule "wrong address" {
  words  = ["wrong address", "stale dns", "wrong ip"]
  fault  = "lab_dns_failure"
  target = "lab_service"
  set    = { mode = "wrong_address" }

  find "names" {
    in        = "target"
    pattern   = "\\b(?:east\\.|west\\.)?shop\\.lab\\.test\\b"
    otherwise = ["shop.lab.test"]
  }
}

rule "dns" {
  words  = ["DNS", "resolver", "name resolution", "NXDOMAIN", "SERVFAIL"]
  fault  = "lab_dns_failure"
  target = "lab_service"

  find "names" {
    in        = "target"
    pattern   = "\\b(?:east\\.|west\\.)?shop\\.lab\\.test\\b"
    otherwise = ["shop.lab.test"]
  }
  find "mode" {
    in        = "fault"
    pattern   = "(?i)\\b(nxdomain|servfail|refused|drop|delay|empty)\\b"
    otherwise = "servfail"
  }
}

rule "replication" {
  words  = ["replication lag", "link between the regions", "inter-region", "cross-region"]
  fault  = "lab_link_latency"
  target = "lab_link"
  set    = { delay = "2s" }
}

rule "isolation" {
  words  = ["partition", "network loss", "unreachable zone", "isolated"]
  fault  = "lab_zone_isolation"
  target = "lab_zone"

  find "names" {
    in        = "target"
    pattern   = "\\b(?:east|west)-[abc]\\b"
    otherwise = ["east-a"]
  }
}

rule "zone" {
  words  = ["zone", "AZ", "data center", "datacenter", "power was lost", "rack"]
  fault  = "lab_zone_outage"
  target = "lab_zone"

  find "names" {
    in        = "target"
    pattern   = "\\b(?:east|west)-[abc]\\b"
    otherwise = ["east-a"]
  }
  find "mode" {
    in      = "fault"
    pattern = "(?i)\\b(froze|frozen|freeze|hung|hang|gray|grey)"
    as      = "freeze"
  }
}

rule "region" {
  words  = ["region"]
  fault  = "lab_region_outage"
  target = "lab_region"

  find "names" {
    in        = "target"
    pattern   = "\\b(east|west)\\b"
    otherwise = ["east"]
  }
}

rule "latency" {
  words  = ["latency", "slow", "high response time"]
  fault  = "lab_latency"
  target = "lab_zone"
  set    = { delay = "500ms" }

  find "names" {
    in        = "target"
    pattern   = "\\b(?:east|west)-[abc]\\b"
    otherwise = ["east-a"]
  }
}

rule "failover" {
  words  = ["failover", "failed over", "fail over", "switched to"]
  action = "lab_region_failover"
  undo   = { to = "east" }

  find "to" {
    in        = "action"
    pattern   = "\\b(east|west)\\b"
    otherwise = "west"
  }
}
