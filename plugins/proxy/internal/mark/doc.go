// Package mark names the toxics of gameday, so that they can be told from everybody else's and be read back.
package mark
