package sdk

import (
	"context"
	"errors"
	"time"
)

// Ledger stores records as a client of the system does, and reads them back, so that a run can tell how much acknowledged
// data was lost. Pace, timeouts, counting and comparing are the core's.
type Ledger interface {
	// Schema describes the attributes of the ledger's block, beyond those that every ledger has: rate and timeout.
	Schema() Schema
	// Write attempts to store one record, once. Calls overlap. An error says that nobody knows whether the record was
	// stored; a refusal that surely stored nothing is an answer with LedgerFail.
	Write(context.Context, Request, LedgerEntry) (LedgerAnswer, error)
	// Read gives one page of what is stored under Request.Run, from after the cursor on; an empty cursor is the beginning.
	// A record stored twice is there twice, and nothing of another run is there. It is asked again after an error, unless
	// that is a Final one.
	Read(ctx context.Context, req Request, cursor string) (LedgerPage, error)
}

// LedgerEntry is one record, as the store is to hold it.
type LedgerEntry struct {
	Run    string    `json:"run"`
	Seq    uint64    `json:"seq"`    // unique within the run
	Worker uint16    `json:"worker"` // of those that write at the same time
	Time   time.Time `json:"time"`   // of the client, at the attempt
}

// LedgerOutcome is what became of one attempt to store a record.
type LedgerOutcome string

// LedgerOK is an acknowledgement: the record must never be lost from now on. LedgerFail is a promise: the record was surely
// not stored. LedgerInfo is everything in between, and the right answer in any doubt.
const (
	LedgerOK   LedgerOutcome = "ok"
	LedgerFail LedgerOutcome = "fail"
	LedgerInfo LedgerOutcome = "info"
)

// LedgerAnswer is the answer to one Write.
type LedgerAnswer struct {
	Outcome LedgerOutcome `json:"outcome"`
	// Detail is one line for people about an outcome that is not LedgerOK.
	Detail string `json:"detail,omitempty"`
	// Promise says what an acknowledgement of this store means: a sentence without a period, such as "on two of three
	// replicas". Empty where there is nothing to say. The last one that is not empty counts.
	Promise string `json:"promise,omitempty"`
}

// LedgerPage is part of what is stored. The next page begins after Next; none follows where it is empty.
type LedgerPage struct {
	Entries []LedgerEntry `json:"entries,omitempty"`
	// Strange describes what is stored under this run and is no record.
	Strange []string `json:"strange,omitempty"`
	Next    string   `json:"next,omitempty"`
}

// ErrFinal: trying again will not mend it.
var ErrFinal = errors.New("trying again will not mend it")

// Final marks an error of Ledger.Read as one that trying again will not mend, so that a read-back ends at once.
func Final(err error) error { return finalError{err} }

type finalError struct{ error }

func (e finalError) Unwrap() []error { return []error{e.error, ErrFinal} }
