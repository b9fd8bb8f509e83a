// Package replay sets an incident beside the run that repeated it: which moment came when, and whether it would recur.
package replay
