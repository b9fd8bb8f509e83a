package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// faultCheck is one promise of a fault.
type faultCheck struct {
	name     string
	needsTwo bool
	fn       func(context.Context, *stage) error
}

func faultChecks() []faultCheck {
	return []faultCheck{
		{name: "Prepare changes nothing", fn: prepareChangesNothing},
		{name: "the handle carries all", fn: handleCarriesAll},
		{name: "Inject and Inspect agree", fn: injectAndInspectAgree},
		{name: "Revert puts everything back", fn: revertPutsBack},
		{name: "Revert before Inject", fn: revertBeforeInject},
		{name: "Revert twice", fn: revertTwice},
		{name: "Revert in a fresh process", fn: revertInFreshProcess},
		{name: "Revert after part of an Inject", fn: revertAfterPart},
		{name: "Revert after a lost answer", fn: revertAfterLostAnswer},
		{name: "Revert after one that was given up", fn: cutShort},
		{name: "Revert leaves other faults alone", needsTwo: true, fn: revertLeavesOthersAlone},
		{name: "two faults on one target", needsTwo: true, fn: twoOnOneTarget},
		{name: "a handle of another version", fn: handleOfAnotherVersion},
		{name: "the lease reverts", fn: leaseReverts},
	}
}

func prepareChangesNothing(ctx context.Context, st *stage) error {
	i, err := st.open(ctx)
	if err != nil {
		return err
	}
	for range 2 { // at plan time and at run time
		h, err := st.prepare(ctx, i, st.req)
		if err != nil {
			return err
		}
		if err := st.settled(ctx, i, h, sdk.Inactive); err != nil {
			return fmt.Errorf("after Prepare: %w", err)
		}
	}
	return nil
}

// handleCarriesAll checks what the journal and people need of a handle.
func handleCarriesAll(ctx context.Context, st *stage) error {
	i, err := st.open(ctx)
	if err != nil {
		return err
	}
	h, err := st.prepare(ctx, i, st.req)
	if err != nil {
		return err
	}
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	var again sdk.Handle
	if err := json.Unmarshal(b, &again); err != nil {
		return err
	}
	var errs []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	expect(reflect.DeepEqual(h, again), "the handle changes on its way through JSON:\n%+v\n%+v", h, again)
	expect(h.ID != "", "the handle has no ID")
	expect(h.Fault == st.Fault && h.Run == st.req.Run, "the handle is for %s of run %s", h.Fault, h.Run)
	expect(len(h.Effects) > 0, "Effects is empty: the plan cannot say what Inject will do")
	expect(len(h.Steps) > 0, "Steps is empty: a person cannot undo the fault by hand")
	expect(len(b) <= 1<<20, "the handle has %d bytes, more than the 1 MiB that a journal entry should have", len(b))
	for _, t := range h.Targets {
		expect(slices.ContainsFunc(st.req.Targets, func(r sdk.Target) bool { return r.ID == t.ID && r.Type == t.Type }),
			"the handle has the target %s %s, which was not asked for", t.Type, t.ID)
	}
	other, err := st.prepare(ctx, i, withRun(st.req, "another"))
	if err == nil {
		expect(other.ID != h.ID, "two runs get the same handle ID %s", h.ID)
	}
	return errors.Join(append(errs, err)...)
}

func withRun(req sdk.Request, run string) sdk.Request {
	req.Run += run
	return req
}

func injectAndInspectAgree(ctx context.Context, st *stage) error {
	i, err := st.open(ctx)
	if err != nil {
		return err
	}
	_, err = st.inject(ctx, i)
	return err
}
