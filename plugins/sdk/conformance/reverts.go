package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func revertPutsBack(ctx context.Context, st *stage) error {
	i, err := st.open(ctx)
	if err != nil {
		return err
	}
	h, err := st.inject(ctx, i)
	if err != nil {
		return err
	}
	return st.revert(ctx, i, h)
}

// revert reverts and proves that the fault is gone.
func (st *stage) revert(ctx context.Context, i *instance, h sdk.Handle) error {
	if err := i.Revert(ctx, h); err != nil {
		return err
	}
	return st.settled(ctx, i, h, sdk.Inactive)
}

func revertBeforeInject(ctx context.Context, st *stage) error {
	i, err := st.open(ctx)
	if err != nil {
		return err
	}
	h, err := st.prepare(ctx, i, st.req)
	if err != nil {
		return err
	}
	return st.revert(ctx, i, h)
}

func revertTwice(ctx context.Context, st *stage) error {
	i, err := st.open(ctx)
	if err != nil {
		return err
	}
	h, err := st.inject(ctx, i)
	if err != nil {
		return err
	}
	if err := st.revert(ctx, i, h); err != nil {
		return err
	}
	if err := st.revert(ctx, i, h); err != nil {
		return fmt.Errorf("the second time: %w", err)
	}
	return nil
}

// revertInFreshProcess kills the plugin while the fault is there, and goes on with the handle's JSON alone.
func revertInFreshProcess(ctx context.Context, st *stage) error {
	first, err := st.open(ctx)
	if err != nil {
		return err
	}
	h, err := st.inject(ctx, first)
	if err != nil {
		return err
	}
	second, h, err := st.afresh(ctx, first, h)
	if err != nil {
		return err
	}
	if err := st.settled(ctx, second, h, st.afterKill()); err != nil {
		return fmt.Errorf("in a fresh process: %w", err)
	}
	if err := st.revert(ctx, second, h); err != nil {
		return fmt.Errorf("in a fresh process: %w", err)
	}
	return nil
}

// afterKill is what is left of the fault once the plugin was killed.
func (st *stage) afterKill() sdk.Status {
	if st.EndsWithPlugin && st.mode.name == modeBinary {
		return sdk.Inactive
	}
	return sdk.Active
}

func (st *stage) afresh(ctx context.Context, old *instance, h sdk.Handle) (*instance, sdk.Handle, error) {
	b, err := json.Marshal(h)
	if err != nil {
		return nil, h, err
	}
	if err := old.kill(); err != nil {
		return nil, h, err
	}
	var again sdk.Handle
	if err := json.Unmarshal(b, &again); err != nil {
		return nil, h, err
	}
	i, err := st.open(ctx)
	return i, again, err
}

// fractions of an Inject's usual length after which it is cut short.
func fractions() []float64 { return []float64{0.1, 0.3, 0.5, 0.7, 0.9} }

// usual measures how long Inject takes.
func (st *stage) usual(ctx context.Context, i *instance) (time.Duration, error) {
	h, err := st.prepare(ctx, i, st.req)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := i.Inject(ctx, h); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, st.revert(ctx, i, h)
}

// revertAfterPart kills the plugin in the middle of Inject and reverts in a fresh one.
func revertAfterPart(ctx context.Context, st *stage) error {
	first, err := st.open(ctx)
	if err != nil {
		return err
	}
	usual, err := st.usual(ctx, first)
	if err != nil {
		return err
	}
	for _, part := range fractions() {
		i, err := st.open(ctx)
		if err == nil {
			err = st.fresh(ctx)
		}
		if err != nil {
			return err
		}
		h, err := st.prepare(ctx, i, st.req)
		if err != nil {
			return err
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = i.Inject(ctx, h) // with an error or without: it is undone in either case
		}()
		select {
		case <-ended:
		case <-time.After(time.Duration(part * float64(usual))):
		}
		fresh, h, err := st.afresh(ctx, i, h)
		if err != nil {
			return err
		}
		if err := st.revert(ctx, fresh, h); err != nil {
			return fmt.Errorf("killed after %.0f %% of Inject, then reverted in a fresh process: %w", 100*part, err)
		}
	}
	return nil
}

// revertAfterLostAnswer gives up on Inject while it runs, and reverts at once in the same plugin.
func revertAfterLostAnswer(ctx context.Context, st *stage) error {
	i, err := st.open(ctx)
	if err != nil {
		return err
	}
	usual, err := st.usual(ctx, i)
	if err != nil {
		return err
	}
	for _, part := range fractions() {
		if err := st.fresh(ctx); err != nil {
			return err
		}
		h, err := st.prepare(ctx, i, st.req)
		if err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, time.Duration(part*float64(usual)))
		_ = i.Inject(short, h) // it may end either way, and the host would not know
		cancel()
		if err := st.revert(ctx, i, h); err != nil {
			return fmt.Errorf("answer lost after %.0f %% of Inject: %w", 100*part, err)
		}
		if err := st.stays(ctx, h); err != nil {
			return fmt.Errorf("answer lost after %.0f %% of Inject, and reverted: %w", 100*part, err)
		}
	}
	return nil
}

// stays checks that a fault that is gone does not come back, as it would if Inject left something running.
func (st *stage) stays(ctx context.Context, h sdk.Handle) error {
	pause(ctx, 100*time.Millisecond)
	if err := st.look(ctx, h, false); err != nil {
		return err
	}
	return st.unchanged(ctx)
}

// revertLeavesOthersAlone has two faults at a time.
func revertLeavesOthersAlone(ctx context.Context, st *stage) error {
	i, err := st.open(ctx)
	if err != nil {
		return err
	}
	twin := &stage{Subject: st.Subject, Case: st.Case, mode: st.mode}
	if err := twin.set(ctx); err != nil {
		return fmt.Errorf("setting up a second target: %w", err)
	}
	other, err := twin.inject(ctx, i)
	if err == nil {
		err = st.besideOther(ctx, i, twin, other)
	}
	if undo := i.Revert(ctx, other); err == nil {
		err = undo
	}
	if twin.Teardown != nil {
		err = errors.Join(err, twin.Teardown(context.WithoutCancel(ctx), twin.req))
	}
	return err
}

func (st *stage) besideOther(ctx context.Context, i *instance, twin *stage, other sdk.Handle) error {
	h, err := st.inject(ctx, i)
	if err != nil {
		return err
	}
	if err := i.Revert(ctx, h); err != nil {
		return err
	}
	if err := st.look(ctx, h, false); err != nil {
		return err
	}
	if err := twin.look(ctx, other, true); err != nil {
		return fmt.Errorf("the other fault, after this one was reverted: %w", err)
	}
	return nil
}
