// Package shape slows or spoils what leaves an interface, with queueing disciplines of our own and never somebody else's.
package shape
