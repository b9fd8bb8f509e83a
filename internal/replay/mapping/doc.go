// Package mapping says what the words of an incident stand for: the kind of a line, and the fault or the action that
// repeats it.
package mapping
