scenario "az-loss-kubernetes" {
  title       = "Lose a zone of a cluster"
  hypothesis  = "When a zone of the cluster is lost, its pods are ready in the other zones within 20 s, and meanwhile four of six serve."
  owner       = "team-platform"
  service     = "web"
  tier        = "gold"
  tags        = ["quarterly", "ci"]
  environment = "cluster"

  baseline = "5s"
  recovery = "90s"
}

variable "kubeconfig" {
  type        = string
  default     = ""
  description = "The cluster; by default the one that kubectl would talk to"
}

variable "zone" {
  type        = string
  default     = "zone-b"
  description = "The zone that is lost"
}

variable "quota" {
  type        = string
  default     = ""
  description = "How many pods the namespace may have meanwhile. With fewer than it had nothing that ends is replaced; by default nobody limits it"
}

variable "rto" {
  type        = string
  default     = "20s"
  description = "How long capacity may be missing"
}

plugin "kubernetes" {
  kubeconfig = var.kubeconfig
}

target "kubernetes_zone" "victim" {
  names = [var.zone]
}

target "kubernetes_namespace" "shop" {
  names = ["shop"]
}

# What the cluster knows: as many ready endpoints as there have to be, and fewer than that.
probe "kubernetes_endpoints" "all" {
  namespace = "shop"
  service   = "web"
  min       = 6
  rate      = 5
  timeout   = "5s"
}

probe "kubernetes_endpoints" "enough" {
  namespace = "shop"
  service   = "web"
  min       = 4
  rate      = 5
  timeout   = "5s"
}

slo "capacity" {
  description = "All six pods are ready"
  probe       = probe.kubernetes_endpoints.all
  target      = 95
}

slo "service" {
  description = "Enough pods are ready to serve everybody"
  probe       = probe.kubernetes_endpoints.enough
  target      = 99
}

# The capacity that others have taken, for the twin. It comes first, so that nothing is replaced before it is there.
fault "kubernetes_quota" "no_capacity" {
  for_each = toset(var.quota == "" ? [] : [var.quota])
  targets  = target.kubernetes_namespace.shop
  at       = "0s"
  hold     = "40s"
  mode     = "clamp"
  hard     = { pods = each.value }
}

# The budget asks for five of six, and a zone that is lost asks nobody.
fault "kubernetes_zone_outage" "lose_zone" {
  targets = target.kubernetes_zone.victim
  at      = "2s"
  hold    = "30s"
  release = "recovered"
  respawn = var.quota == ""

  ignore_disruption_budgets = true
}

objective "capacity_recovers" {
  slo        = slo.capacity
  fault      = fault.kubernetes_zone_outage.lose_zone
  rto        = var.rto
  stable_for = "4s"
}

objective "service_goes_on" {
  slo          = slo.service
  max_downtime = "5s"
}

guard "customers_first" {
  when = slo.service.sli < 0.3
  for  = "15s"
}

limit "blast_radius" {
  max_targets = 2
  max_percent = 34
}
