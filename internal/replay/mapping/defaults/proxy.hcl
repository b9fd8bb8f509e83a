# Onto TCP connections that go through a Toxiproxy.

use = ["proxy"]

rule "throttling" {
  words  = ["throttl", "rate limit", "429", "quota"]
  fault  = "proxy_bandwidth"
  target = "proxy_route"
  set    = { bytes_per_second = 1000 }

  find "names" {
    in  = "target"
    ask = "The proxy in front of what throttled"
  }
}

rule "connection pool" {
  words  = ["connection pool", "too many connections", "pool exhaust"]
  fault  = "proxy_latency"
  target = "proxy_route"
  set    = { delay = "5s" }

  find "names" {
    in  = "target"
    ask = "The proxy in front of what the pool leads to"
  }
}

rule "reset" {
  words  = ["connection reset", "connections were reset", "ECONNRESET"]
  fault  = "proxy_reset"
  target = "proxy_route"

  find "names" {
    in  = "target"
    ask = "The proxy in front of what reset connections"
  }
}

rule "timeout" {
  words  = ["timeout", "timed out", "unreachable", "down"]
  fault  = "proxy_timeout"
  target = "proxy_route"

  find "names" {
    in  = "target"
    ask = "The proxy in front of what did not answer"
  }
}

rule "latency" {
  words  = ["latency", "slow"]
  fault  = "proxy_latency"
  target = "proxy_route"
  set    = { delay = "1s" }

  find "names" {
    in  = "target"
    ask = "The proxy in front of what was slow"
  }
}
