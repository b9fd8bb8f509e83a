// Package client opens the connections that probes, ledgers and alerts make to the system under test, the way a client
// of that system would.
package client
