// Package environment keeps, for each environment that this machine's user runs game days in, who is at work there now and
// which runs have not been put back yet.
package environment
