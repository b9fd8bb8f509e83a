// Package pressure keeps processors busy and takes memory, in the process that calls it.
package pressure
