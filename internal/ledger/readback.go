package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	maxUnexpected = 100     // described; more are only counted
	maxSeqs       = 1 << 27 // of which counts are kept: one byte each
)

// ReadBackOptions say what to read and how long to try.
type ReadBackOptions struct {
	Run string
	// Attempted is one more than the highest sequence number that was attempted.
	Attempted uint64
	// Page is how long one page may take, 10 s by default; Retry the pause after a failure, 200 ms by default. A read-back
	// as a whole is limited by its context.
	Page, Retry time.Duration
}

// ReadBack is what was found: how often each record below Attempted, and what nobody attempted.
type ReadBack struct {
	counts          []uint8
	Unexpected      []string // descriptions, the first 100
	UnexpectedCount int
}

// Has says whether a record was read back, and Duplicated whether more than once.
func (r *ReadBack) Has(seq uint64) bool { return r.Count(seq) > 0 }

// Duplicated says whether a record was read back more than once.
func (r *ReadBack) Duplicated(seq uint64) bool { return r.Count(seq) > 1 }

// Count is how often a record was read back, 255 at the most.
func (r *ReadBack) Count(seq uint64) int {
	if seq >= uint64(len(r.counts)) {
		return 0
	}
	return int(r.counts[seq])
}

// Read reads the ledger of a run from its beginning to its end, from where clients would now read. A page that cannot be
// read is tried again until ctx ends; what was read until then is returned with the error, and proves nothing missing.
func Read(ctx context.Context, s Store, o ReadBackOptions) (*ReadBack, error) {
	if o.Attempted > maxSeqs {
		return nil, fmt.Errorf("reading the ledger: %d records are more than can be counted", o.Attempted)
	}
	if o.Page <= 0 {
		o.Page = 10 * time.Second
	}
	if o.Retry <= 0 {
		o.Retry = 200 * time.Millisecond
	}
	r := &ReadBack{counts: make([]uint8, o.Attempted)}
	for cursor := ""; ; {
		page, err := readPage(ctx, s, o, cursor)
		if err != nil {
			return r, fmt.Errorf("reading the ledger back: %w", err)
		}
		for _, e := range page.Entries {
			r.add(e, o.Run)
		}
		for _, text := range page.Strange {
			r.unexpected(text)
		}
		if page.Next == "" {
			return r, nil
		}
		if page.Next == cursor {
			return r, fmt.Errorf("reading the ledger back: the cursor %q leads to itself", cursor)
		}
		cursor = page.Next
	}
}

func readPage(ctx context.Context, s Store, o ReadBackOptions, cursor string) (Page, error) {
	for {
		pageCtx, cancel := context.WithTimeout(ctx, o.Page)
		page, err := s.Read(pageCtx, o.Run, cursor)
		cancel()
		var final *FinalError
		if err == nil || errors.As(err, &final) {
			return page, err
		}
		select {
		case <-time.After(o.Retry):
		case <-ctx.Done():
			return page, err
		}
	}
}

// FinalError is an error that trying again will not mend.
type FinalError struct{ Err error }

func (e *FinalError) Error() string { return e.Err.Error() }

func (e *FinalError) Unwrap() error { return e.Err }

func (r *ReadBack) add(e Entry, run string) {
	switch {
	case e.Run != run:
		r.unexpected(fmt.Sprintf("record %d of run %q", e.Seq, clip(e.Run)))
	case e.Seq >= uint64(len(r.counts)):
		r.unexpected(fmt.Sprintf("record %d of worker %d, written at %s: only %d were attempted",
			e.Seq, e.Worker, e.Time.UTC().Format(time.RFC3339Nano), len(r.counts)))
	case r.counts[e.Seq] < 255:
		r.counts[e.Seq]++
	}
}

func (r *ReadBack) unexpected(text string) {
	r.UnexpectedCount++
	if len(r.Unexpected) < maxUnexpected {
		r.Unexpected = append(r.Unexpected, clip(text))
	}
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}
