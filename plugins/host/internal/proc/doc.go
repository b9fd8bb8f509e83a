// Package proc identifies processes of this machine by pid and start time, so that a successor is never mistaken for its predecessor.
package proc
