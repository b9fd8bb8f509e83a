// Package server is a Toxiproxy that ends the faults which nobody renews any more.
package server
