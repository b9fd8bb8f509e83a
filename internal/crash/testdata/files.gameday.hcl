# A short run that writes every kind of entry that a fault and an action have. Its world is three files and a note.
scenario "crash" {
  title    = "Crash at every entry"
  service  = "files"
  baseline = "600ms"
  recovery = "3s"
}

variable "dir" {
  type = string
}
variable "url" {
  type = string
}
variable "hold" {
  type    = string
  default = "500ms"
}
variable "floor" {
  type    = number
  default = -1
}
variable "command" {
  type    = list(string)
  default = ["cp", "c", "note"]
}

plugin "file" {
}

target "file_path" "two" {
  paths = ["${var.dir}/a", "${var.dir}/b"]
}

target "file_path" "one" {
  paths = ["${var.dir}/c"]
}

probe "http" "svc" {
  url     = var.url
  rate    = 200
  timeout = "1s"
  expect {
    status = [200]
  }
}

slo "svc" {
  probe  = probe.http.svc
  target = 90
  window = "200ms"
}

fault "file_missing" "first" {
  targets = target.file_path.two
  hold    = var.hold
}

action "exec" "note" {
  after   = [fault.file_missing.first]
  dir     = var.dir
  command = var.command
  undo {
    dir     = var.dir
    command = ["rm", "-f", "note"]
  }
}

fault "file_missing" "second" {
  targets = target.file_path.one
  after   = [action.exec.note]
  hold    = var.hold
}

objective "unnoticed" {
  slo        = slo.svc
  fault      = fault.file_missing.first
  rto        = "100ms"
  stable_for = "100ms"
}

guard "floor" {
  when = slo.svc.sli < var.floor
}
