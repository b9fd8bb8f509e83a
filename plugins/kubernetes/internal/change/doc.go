// Package change makes and undoes changes of the objects of a cluster, so that nothing is overwritten that was not read.
package change
