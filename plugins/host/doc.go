// Package host is the plugin for the faults of a Linux host: its processes, its resources and its network.
package host
