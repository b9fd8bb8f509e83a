// Package view shows plans and runs to people: on a terminal as live bars, elsewhere as lines.
package view
