// Package lockfile reads and writes .gameday.lock.hcl, which pins the plugins of a scenario to the files of today.
package lockfile
