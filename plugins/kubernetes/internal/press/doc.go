// Package press is the process that presses on a pod from a container inside it, for as long as gameday holds its standard input.
package press
