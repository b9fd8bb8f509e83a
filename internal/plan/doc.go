// Package plan is the immutable contract of a run: what will be touched, in which order, within which limits, and how
// each change is undone.
package plan
