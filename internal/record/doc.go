// Package record is the shape of one attempt to write to a ledger, and of the blocks and sets that carry them through the
// journal.
package record
