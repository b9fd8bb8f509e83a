// Package autoscale keeps a region at its capacity: it replaces what the load balancer has lost, and gives back what is too much.
package autoscale
