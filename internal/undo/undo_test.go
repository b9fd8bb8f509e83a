package undo

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// thing is a target that can refuse, hang or lie for a while.
type thing struct {
	name     string
	refuse   int
	lies     int
	hangs    bool
	needs    *thing // cannot be undone before this one is
	reverted bool
	order    *[]string
}

func (f *thing) Revert(ctx context.Context, _ sdk.Handle) error {
	if f.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if f.needs != nil && !f.needs.reverted {
		return errors.New("the other is in the way")
	}
	if f.refuse > 0 {
		f.refuse--
		return errors.New("refused")
	}
	if f.lies > 0 {
		f.lies--
		return nil
	}
	f.reverted = true
	*f.order = append(*f.order, f.name)
	return nil
}

func (f *thing) Inspect(context.Context, sdk.Handle) (sdk.State, error) {
	if f.reverted {
		return sdk.State{Status: sdk.Inactive, Evidence: "looked: gone"}, nil
	}
	return sdk.State{Status: sdk.Active, Evidence: "looked: there"}, nil
}

func undoAll(t *testing.T, ctx context.Context, things ...*thing) (order, log, stuck []string) {
	t.Helper()
	var items []Item
	for _, f := range things {
		f.order = &order
		items = append(items, Item{Addr: f.name, Handle: sdk.Handle{ID: f.name, Steps: []string{"by hand"}}, Open: func(context.Context) (Reverter, error) { return f, nil }})
	}
	record := func(k journal.Kind, b journal.StepBody) { log = append(log, fmt.Sprint(k, " ", b.Addr)) }
	for _, it := range All(ctx, items, record, Options{Attempt: 10 * time.Second, Total: time.Minute}) {
		stuck = append(stuck, it.Addr)
	}
	return order, log, stuck
}

func TestUndoesInOrderAndProvesIt(t *testing.T) {
	order, log, stuck := undoAll(t, t.Context(), &thing{name: "b"}, &thing{name: "a"})
	require.Equal(t, []string{"b", "a"}, order)
	require.Equal(t, []string{"fault.reverting b", "fault.reverted b", "fault.reverting a", "fault.reverted a"}, log)
	require.Empty(t, stuck)
}

func TestRetriesRefusalsAndLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		order, log, stuck := undoAll(t, t.Context(), &thing{name: "b", refuse: 3}, &thing{name: "a", lies: 2})
		require.Equal(t, []string{"a", "b"}, order)
		require.Len(t, log, 4, "each step is recorded once, however many attempts it took")
		require.Empty(t, stuck)
	})
}

func TestOneThatHangsDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		order, log, stuck := undoAll(t, t.Context(), &thing{name: "c", hangs: true}, &thing{name: "b"}, &thing{name: "a"})
		require.Equal(t, []string{"b", "a"}, order)
		require.Equal(t, []string{"c"}, stuck)
		require.Equal(t, "fault.stuck c", log[len(log)-1])
		require.LessOrEqual(t, time.Since(start), time.Minute)
	})
}

func TestWhatIsInTheWayIsUndoneFirstByRetrying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &thing{name: "a"}
		order, _, stuck := undoAll(t, t.Context(), &thing{name: "b", needs: a}, a)
		require.Equal(t, []string{"a", "b"}, order)
		require.Empty(t, stuck)
	})
}

func TestCancellationDoesNotSkipTheRevert(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	order, _, stuck := undoAll(t, ctx, &thing{name: "a"})
	require.Equal(t, []string{"a"}, order)
	require.Empty(t, stuck)
}

func TestActionUndoIsProvenByItsOwnSuccess(t *testing.T) {
	runs := 0
	a := &ActionUndo{Run: func(context.Context, sdk.Handle) (string, error) {
		if runs++; runs == 1 {
			return "", errors.New("not yet")
		}
		return "traffic is back in east", nil
	}}
	require.Error(t, a.Revert(t.Context(), sdk.Handle{}))
	st, err := a.Inspect(t.Context(), sdk.Handle{})
	require.NoError(t, err)
	require.Equal(t, sdk.Unknown, st.Status)
	require.NoError(t, a.Revert(t.Context(), sdk.Handle{}))
	require.NoError(t, a.Revert(t.Context(), sdk.Handle{}))
	require.Equal(t, 2, runs, "a second success is not a second run")
}
