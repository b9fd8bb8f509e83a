// Package api asks a Toxiproxy server over its HTTP interface.
package api
