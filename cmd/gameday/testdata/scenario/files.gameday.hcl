# The scenario of most scripts: a service needs the file "up"; the fault takes it away.
scenario "files" {
  title       = "Take a file away"
  environment = var.environment
  service     = "files"
  baseline    = "500ms"
  recovery    = "2s"
}

variable "url" {
  type = string
}
variable "dir" {
  type = string
}
variable "environment" {
  type    = string
  default = "default"
}
variable "glob" {
  type    = string
  default = "up"
}
variable "hold" {
  type    = string
  default = "5s"
}
variable "rto" {
  type    = string
  default = "2s"
}
variable "floor" {
  type        = number
  default     = -1
  description = "The guard trips below it"
}
variable "token" {
  type      = string
  default   = "not-so-secret"
  sensitive = true
}

plugin "file" {
  dir      = var.dir
  token    = var.token
  pid_file = "${var.dir}/../plugin.pid"
}

target "file_path" "victim" {
  glob = var.glob
}

probe "http" "svc" {
  url     = var.url
  headers = { Authorization = var.token }
  rate    = 60
  timeout = "500ms"
  expect {
    status = [200]
  }
}

slo "svc" {
  probe  = probe.http.svc
  target = 90
  window = "300ms"
}

fault "file_missing" "gone" {
  targets = target.file_path.victim
  hold    = var.hold
  release = "recovered"
}

objective "back" {
  slo        = slo.svc
  fault      = fault.file_missing.gone
  rto        = var.rto
  stable_for = "400ms"
}

guard "floor" {
  when = slo.svc.sli < var.floor
}
