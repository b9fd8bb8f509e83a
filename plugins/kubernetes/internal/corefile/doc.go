// Package corefile reads the configuration of CoreDNS as far as it takes to add to it, and refuses what it does not understand.
package corefile
