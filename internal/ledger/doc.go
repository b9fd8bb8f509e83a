// Package ledger writes numbered records at a fixed open-loop rate and reads them back.
package ledger
