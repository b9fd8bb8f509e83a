// Package runner starts the lab's processes, restarts those that die, and leaves alone those that a fault holds.
package runner
