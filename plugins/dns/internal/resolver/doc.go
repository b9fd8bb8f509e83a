// Package resolver is a DNS forwarder that clients are pointed at, with a control of its own.
package resolver
