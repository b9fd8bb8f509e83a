// Package supervisor runs a lab: its processes, its network, its DNS, its control API, and the faults in all of these.
package supervisor
