// Package engine carries out a plan: one event loop, sole writer of the run's journal.
package engine
