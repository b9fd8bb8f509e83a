// Package balancer is a region's load balancer: a reverse proxy over the instances that answer their health checks.
package balancer
