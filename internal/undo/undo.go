package undo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Reverter undoes one handle and looks whether it is gone. A plugin's faults and an action with an undo both do.
type Reverter interface {
	Revert(context.Context, sdk.Handle) error
	Inspect(context.Context, sdk.Handle) (sdk.State, error)
}

// Item is one thing to undo, and what can undo it. Open is called for each attempt, because the plugin may have died
// and have to be started again.
type Item struct {
	Addr   string
	Handle sdk.Handle
	Action bool
	Reason string
	Open   func(context.Context) (Reverter, error)
}

// Options bound how long an undo may take.
type Options struct {
	Attempt time.Duration // one Revert and the Inspect after it
	Total   time.Duration // all attempts for all items
	Pause   time.Duration // before the second attempt; doubled after each, up to ten times as long
}

// The defaults fit targets that answer within seconds.
const (
	defaultAttempt = time.Minute
	defaultTotal   = 5 * time.Minute
	defaultPause   = 250 * time.Millisecond
)

func (o Options) withDefaults() Options {
	return Options{
		Attempt: cmp.Or(o.Attempt, defaultAttempt),
		Total:   cmp.Or(o.Total, defaultTotal),
		Pause:   cmp.Or(o.Pause, defaultPause),
	}
}

// All undoes the items in the order given (the caller's newest first) and returns those not proven to be gone.
//
// Every item gets its first attempt before any gets its second: one that is stuck must not hold up the others, and one
// that could not be undone because of another may succeed once that is gone. The caller's cancellation is ignored:
// nothing may interrupt a revert but its own limits. Record is told of each step as it happens.
func All(ctx context.Context, items []Item, record func(journal.Kind, journal.StepBody), o Options) (stuck []Item) {
	o = o.withDefaults()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Total)
	defer cancel()
	left, pause := items, o.Pause
	errs := map[string]error{}
	for len(left) > 0 && ctx.Err() == nil {
		left = round(ctx, left, errs, record, o.Attempt)
		if len(left) > 0 {
			wait(ctx, pause)
			pause = min(2*pause, 10*o.Pause)
		}
	}
	for _, it := range left {
		record(kinds(it).stuck, journal.StepBody{Addr: it.Addr, Handle: it.Handle.ID, Err: errs[it.Handle.ID].Error(), Steps: it.Handle.Steps})
	}
	return left
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// round tries each item once and returns those that are left. An attempt's limit is cut to leave time for the others.
func round(ctx context.Context, items []Item, errs map[string]error, record func(journal.Kind, journal.StepBody), attempt time.Duration) (left []Item) {
	for i, it := range items {
		if _, again := errs[it.Handle.ID]; !again {
			record(kinds(it).begin, journal.StepBody{Addr: it.Addr, Handle: it.Handle.ID, Reason: it.Reason})
		}
		evidence, err := one(ctx, it, share(ctx, attempt, len(items)-i))
		if err != nil {
			// What an attempt says that ran out of time is less than what one said that did not.
			if ctx.Err() == nil || errs[it.Handle.ID] == nil {
				errs[it.Handle.ID] = err
			}
			left = append(left, it)
			continue
		}
		record(kinds(it).done, journal.StepBody{Addr: it.Addr, Handle: it.Handle.ID, Evidence: evidence})
	}
	return left
}

func share(ctx context.Context, attempt time.Duration, left int) time.Duration {
	if d, ok := ctx.Deadline(); ok {
		return min(attempt, time.Until(d)/time.Duration(left))
	}
	return attempt
}

// errStillThere says what Inspect saw after a Revert that claimed success.
var errStillThere = errors.New("the revert reported success, and the target still shows the fault")

// one reverts, then reads the target back: only the target's own word counts.
func one(ctx context.Context, it Item, limit time.Duration) (evidence string, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := it.Open(ctx)
	if err != nil {
		return "", fmt.Errorf("reverting %s: %w", it.Addr, err)
	}
	if err := r.Revert(ctx, it.Handle); err != nil {
		return "", fmt.Errorf("reverting %s: %w", it.Addr, err)
	}
	st, err := r.Inspect(ctx, it.Handle)
	switch {
	case err != nil:
		return "", fmt.Errorf("proving that %s is gone: %w", it.Addr, err)
	case st.Status != sdk.Inactive:
		return "", fmt.Errorf("proving that %s is gone: %w (%s: %s)", it.Addr, errStillThere, st.Status, st.Evidence)
	}
	return st.Evidence, nil
}

type kindSet struct{ begin, done, stuck journal.Kind }

func kinds(it Item) kindSet {
	if it.Action {
		return kindSet{journal.ActionUndoing, journal.ActionUndone, journal.ActionStuck}
	}
	return kindSet{journal.FaultReverting, journal.FaultReverted, journal.FaultStuck}
}
