// Package watchdog keeps a process in the cluster that acts when no process of gameday outside of it is alive any more.
package watchdog
