// Package names is the lab's DNS server, with failover between the regions by health check.
package names
