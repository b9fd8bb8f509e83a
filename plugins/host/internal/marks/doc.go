// Package marks keeps one file for each fault that stands on this machine, for the faults on which the kernel lets nobody write a name.
package marks
