package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// stage is one fresh target and the plugin at work on it.
type stage struct {
	Subject
	Case
	mode mode
	req  sdk.Request
	// before is the target before the plugin touched it.
	before string
	opened []*instance
	// prepared are the handles to revert at the end, so that a check that fails leaves nothing behind.
	prepared []sdk.Handle
}

// onCase sets a stage, plays one check on it and clears up.
func onCase(ctx context.Context, s Subject, m mode, c Case, play func(context.Context, *stage) error) error {
	st := &stage{Subject: s, Case: c, mode: m}
	if err := st.set(ctx); err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	err := play(ctx, st)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), st.Timeout)
	defer cancel()
	if left := st.clear(clean); err == nil && left != nil {
		err = fmt.Errorf("clearing up: %w", left)
	}
	return err
}

func (st *stage) set(ctx context.Context) (err error) {
	if st.req, err = st.request(ctx); err != nil {
		return err
	}
	st.before, err = st.snapshot(ctx)
	return err
}

// fresh replaces a target that an Inject has used up.
func (st *stage) fresh(ctx context.Context) error {
	if !st.UsesUp {
		return nil
	}
	if st.Teardown != nil {
		if err := st.Teardown(ctx, st.req); err != nil {
			return fmt.Errorf("removing a target that is used up: %w", err)
		}
	}
	return st.set(ctx)
}

// request asks the author for a target, under a run of its own.
func (st *stage) request(ctx context.Context) (sdk.Request, error) {
	req, err := st.Setup(ctx)
	req.Run, req.ID = rand.Text()[:10], "fault."+st.Fault+".under_test"
	if req.Config == nil {
		req.Config = []byte("{}")
	}
	return req, err
}

func (st *stage) snapshot(ctx context.Context) (string, error) {
	if st.Snapshot == nil {
		return "", nil
	}
	shot, err := st.Snapshot(ctx, st.req)
	if err != nil {
		return "", fmt.Errorf("looking at the target: %w", err)
	}
	return shot, nil
}

// clear reverts what is left over, ends every instance and removes the target.
func (st *stage) clear(ctx context.Context) error {
	var errs []error
	if last, err := st.open(ctx); err == nil {
		for _, h := range st.prepared {
			_ = last.Revert(ctx, h) // a plugin that cannot has failed its check
		}
	}
	for _, i := range st.opened {
		_ = i.kill() // an instance that has ended by itself is as good
	}
	if st.Teardown != nil {
		errs = append(errs, st.Teardown(ctx, st.req))
	}
	return errors.Join(errs...)
}

// open starts a fresh instance under a long lease.
func (st *stage) open(ctx context.Context) (*instance, error) { return st.openFor(ctx, longLease) }

func (st *stage) openFor(ctx context.Context, lease time.Duration) (*instance, error) {
	i, err := st.Subject.open(ctx, st.mode, lease)
	if err == nil {
		st.opened = append(st.opened, i)
	}
	return i, err
}

func (st *stage) prepare(ctx context.Context, i *instance, req sdk.Request) (sdk.Handle, error) {
	h, problems, err := i.Prepare(ctx, st.Fault, req)
	if err == nil && sdk.HasErrors(problems) {
		err = fmt.Errorf("Prepare found problems with the author's own request: %v", problems)
	}
	if err == nil {
		st.prepared = append(st.prepared, h)
	}
	return h, err
}

// inject prepares and injects, and waits until the fault is seen by both eyes.
func (st *stage) inject(ctx context.Context, i *instance) (sdk.Handle, error) {
	h, err := st.prepare(ctx, i, st.req)
	if err != nil {
		return h, err
	}
	if err := i.Inject(ctx, h); err != nil {
		return h, err
	}
	return h, st.settled(ctx, i, h, sdk.Active)
}

// settled waits until Inspect gives the answer, and compares it with an independent look and, once the fault is gone,
// with the snapshot from before.
func (st *stage) settled(ctx context.Context, i *instance, h sdk.Handle, want sdk.Status) error {
	state, err := st.await(ctx, i, h, want)
	if err != nil {
		return err
	}
	if state.Status != want {
		return fmt.Errorf("Inspect says %s (%s) after %v, and should say %s", state.Status, state.Evidence, st.Settle, want)
	}
	if state.Evidence == "" {
		return fmt.Errorf("Inspect says %s and gives no evidence", state.Status)
	}
	if err := st.look(ctx, h, want == sdk.Active); err != nil {
		return fmt.Errorf("Inspect says %s (%s): %w", state.Status, state.Evidence, err)
	}
	if want == sdk.Inactive {
		return st.unchanged(ctx)
	}
	return nil
}

func (st *stage) await(ctx context.Context, i *instance, h sdk.Handle, want sdk.Status) (sdk.State, error) {
	for end := time.Now().Add(st.Settle); ; {
		state, err := i.Inspect(ctx, h)
		if err != nil || state.Status == want || time.Now().After(end) {
			return state, err
		}
		if pause(ctx, 20*time.Millisecond); ctx.Err() != nil {
			return state, nil
		}
	}
}

// look checks the target without the plugin's help.
func (st *stage) look(ctx context.Context, h sdk.Handle, want bool) error {
	got, err := st.Look(ctx, h)
	switch {
	case err != nil:
		return fmt.Errorf("the independent look failed: %w", err)
	case got && !want:
		return errors.New("an independent look finds the fault, which should not be there")
	case !got && want:
		return errors.New("an independent look does not find the fault, which should be there")
	}
	return nil
}

// unchanged checks that the target is as it was before.
func (st *stage) unchanged(ctx context.Context) error {
	now, err := st.snapshot(ctx)
	if err == nil && now != st.before {
		err = fmt.Errorf("the target is not as it was before:\nbefore: %s\nnow:    %s", st.before, now)
	}
	return err
}
