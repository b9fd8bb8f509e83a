// Package proxy is the plugin for faults of TCP connections that go through a Toxiproxy.
package proxy
