// Package proc identifies processes by pid and start time, so that a reused pid is never mistaken for the old process.
package proc
