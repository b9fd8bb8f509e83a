// Package cli is gameday's command line.
package cli
