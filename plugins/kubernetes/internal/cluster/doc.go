// Package cluster talks to the API server of one Kubernetes cluster, with a limit to every request.
package cluster
