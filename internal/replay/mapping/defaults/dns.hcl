# Onto the name resolution of a host or a network namespace.

use = ["dns"]

rule "dns" {
  words  = ["DNS", "resolver", "name resolution", "NXDOMAIN", "SERVFAIL"]
  fault  = "dns_failure"
  target = "dns_traffic"

  find "namespaces" {
    in        = "target"
    otherwise = ["host"]
  }
  find "names" {
    in      = "fault"
    pattern = "\\b([a-z0-9-]+(?:\\.[a-z0-9-]+)+\\.?)\\b"
    ask     = "The names that did not resolve"
  }
  find "mode" {
    in        = "fault"
    pattern   = "(?i)\\b(nxdomain|servfail|refused|drop|delay|empty)\\b"
    otherwise = "servfail"
  }
}
