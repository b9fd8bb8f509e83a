// Package supervisor runs a Kubernetes cluster on one machine and leaves nothing of it behind.
package supervisor
