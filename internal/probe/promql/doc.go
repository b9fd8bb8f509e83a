// Package promql asks a Prometheus server for the value of an expression now.
package promql
