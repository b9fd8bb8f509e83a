// Package guard compiles a guard's condition and evaluates it on live values.
package guard
