// Package lab is the plugin of the embedded lab, a two-region, three-zone cloud of real processes on loopback.
package lab
