// Package layout says what the lab consists of: its regions and zones, and the loopback address of each of its parts.
package layout
