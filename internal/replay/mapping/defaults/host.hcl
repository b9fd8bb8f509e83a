# Onto the Linux host that gameday runs on.

use = ["host"]

rule "memory" {
  words  = ["out of memory", "OOM", "memory leak", "memory pressure"]
  fault  = "host_memory_pressure"
  target = "host_machine"
  set    = { percent = 95 }
  keep   = true
}

rule "cpu" {
  words  = ["CPU", "load average"]
  fault  = "host_cpu_pressure"
  target = "host_machine"
}

rule "disk full" {
  words  = ["disk full", "no space left", "disk space", "filled up"]
  fault  = "host_disk_fill"
  target = "host_filesystem"
  set    = { percent = 99 }

  find "paths" {
    in      = "target"
    pattern = "(?:^|\\s)(/[A-Za-z0-9._/-]+)"
    ask     = "A folder on the file system that was full"
  }
}

rule "disk" {
  words  = ["slow disk", "disk io", "i/o", "iops"]
  fault  = "host_disk_io"
  target = "host_filesystem"

  find "paths" {
    in      = "target"
    pattern = "(?:^|\\s)(/[A-Za-z0-9._/-]+)"
    ask     = "A folder on the file system that was slow"
  }
}

rule "file descriptors" {
  words  = ["file descriptor", "too many open files", "connection pool", "too many connections"]
  fault  = "host_fd_exhaustion"
  target = "host_process"

  find "names" {
    in  = "target"
    ask = "The name of the process that could open no more"
  }
}

rule "process IDs" {
  words  = ["fork bomb", "cannot fork", "process IDs", "too many threads"]
  fault  = "host_pid_exhaustion"
  target = "host_process"

  find "names" {
    in  = "target"
    ask = "The name of a process in the cgroup that ran out"
  }
}

rule "hang" {
  words  = ["hung", "hang", "froze", "stuck", "deadlock"]
  fault  = "host_process_pause"
  target = "host_process"

  find "names" {
    in  = "target"
    ask = "The name of the process that hung"
  }
}

rule "crash" {
  words  = ["crash", "died", "was killed", "segfault", "panic"]
  fault  = "host_process_kill"
  target = "host_process"

  find "names" {
    in  = "target"
    ask = "The name of the process that died"
  }
}

rule "packet loss" {
  words  = ["packet loss", "packets were lost", "flapping"]
  fault  = "host_loss"
  target = "host_interface"

  find "percent" {
    in        = "fault"
    pattern   = "(\\d{1,2}) ?%"
    number    = true
    otherwise = 10
  }
  find "names" {
    in      = "target"
    pattern = "\\b(eth\\d+|ens\\d+|eno\\d+|bond\\d+)\\b"
    ask     = "The network interface"
  }
}

rule "partition" {
  words  = ["partition", "unreachable", "network outage", "zone", "AZ", "link down"]
  fault  = "host_partition"
  target = "host_namespace"

  find "names" {
    in        = "target"
    otherwise = ["host"]
  }
  find "peers" {
    in      = "fault"
    pattern = "\\b(\\d{1,3}(?:\\.\\d{1,3}){3}(?:/\\d{1,2})?)\\b"
    ask     = "Addresses or networks of what could not be reached"
  }
}
