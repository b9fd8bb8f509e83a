// Package archive keeps what past runs were judged to be, so that quarters can be compared and a backlog can live.
package archive
