// Package history folds the entries of a journal into a typed run.
package history
