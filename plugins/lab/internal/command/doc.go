// Package command is the command line of gameday-plugin-lab: what `gameday lab` passes its arguments to.
package command
