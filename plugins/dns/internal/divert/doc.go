// Package divert keeps nftables rules that lead DNS queries to a forwarder, and that end by themselves.
package divert
