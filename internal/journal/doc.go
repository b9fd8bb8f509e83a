// Package journal is the append-only record of a run: framed, checksummed, hash-chained and synced to disk.
package journal
