// Package control is the protocol of the supervisor's control API, as its clients see it.
package control
