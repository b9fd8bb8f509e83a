package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk/proto"
)

// leasedSession is a session with a lease of 10 s, called without a wire so that synctest can drive its time.
type leasedSession struct {
	*service
	t   *testing.T
	w   *world
	dir string
}

func newLeased(t *testing.T) leasedSession {
	w := newWorld()
	s, err := NewSession(fakePlugin(w), t.Output())
	require.NoError(t, err)
	l := leasedSession{service: &service{session: s}, t: t, w: w, dir: t.TempDir()}
	set, err := json.Marshal(Settings{Lease: 10 * time.Second, StateDir: l.dir})
	require.NoError(t, err)
	_, err = l.Configure(t.Context(), &proto.ConfigureRequest{Settings: set})
	require.NoError(t, err)
	return l
}

func request(id string) *proto.HandleRequest {
	b, _ := json.Marshal(fakeHandle(id)) // it always encodes
	return &proto.HandleRequest{Handle: b}
}

func (l leasedSession) inject(ids ...string) {
	for _, id := range ids {
		_, err := l.Inject(l.t.Context(), request(id))
		require.NoError(l.t, err)
	}
}

func (l leasedSession) over() bool {
	select {
	case <-l.session.Done():
		return true
	default:
		return false
	}
}

// record returns the lines of the lease's record as "handle what error".
func (l leasedSession) record() (out []Record) {
	b, err := os.ReadFile(RecordPath(l.dir, "fake"))
	require.NoError(l.t, err)
	d := json.NewDecoder(bytes.NewReader(b))
	for d.More() {
		var r Record
		require.NoError(l.t, d.Decode(&r))
		out = append(out, r)
	}
	return out
}

func TestLeaseRevertsNewestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		l.inject("a", "b", "c")
		time.Sleep(10*time.Second - 1)
		synctest.Wait()
		require.False(t, l.over())
		require.True(t, l.w.has("a"))

		time.Sleep(time.Nanosecond)
		<-l.session.Done()
		require.Equal(t, []string{"inject a", "inject b", "inject c", "revert c", "revert b", "revert a"}, l.w.did())
		rec := l.record()
		require.Equal(t, "ending with 3 faults held: no renewal within 10s", rec[0].What)
		require.Len(t, rec, 7)
		require.Equal(t, Record{At: rec[1].At, Handle: "c", What: "revert"}, rec[1])
		require.Equal(t, Record{At: rec[2].At, Handle: "c", What: "inspect"}, rec[2])
		require.Equal(t, ExitLeaseExpired, l.session.exitCode())

		_, err := l.Renew(t.Context(), nil)
		require.ErrorIs(t, callError("fake", "Renew", err), ErrLeaseExpired)
		_, err = l.Inject(t.Context(), request("d"))
		require.ErrorIs(t, callError("fake", "Inject", err), ErrLeaseExpired)
		require.False(t, l.w.has("d"))
	})
}

func TestRenewalsKeepTheFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		l.inject("a")
		for range 100 {
			time.Sleep(9 * time.Second)
			_, err := l.Renew(t.Context(), nil)
			require.NoError(t, err)
		}
		require.True(t, l.w.has("a"))
		time.Sleep(10 * time.Second)
		<-l.session.Done()
		require.False(t, l.w.has("a"))
	})
}

func TestLeaseWithNothingHeldEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		time.Sleep(10 * time.Second)
		<-l.session.Done()
		require.Equal(t, "ending with 0 faults held: no renewal within 10s", l.record()[0].What)
	})
}

func TestLeaseStopsAnInjectionInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		l.w.onInject = func(ctx context.Context, h Handle) error {
			<-ctx.Done()
			time.Sleep(2 * time.Second) // finishing its step
			l.w.act("inject stopped: %v", errors.Is(context.Cause(ctx), ErrLeaseExpired))
			return context.Cause(ctx)
		}
		go func() { _, _ = l.Inject(context.Background(), request("a")) }()
		<-l.session.Done()
		require.Equal(t, []string{"inject a", "inject stopped: true", "revert a"}, l.w.did())
		require.False(t, l.w.has("a"))
	})
}

func TestLeaseDoesNotWaitForEverForAnInjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		forever := make(chan struct{})
		defer close(forever)
		l.w.onInject = func(context.Context, Handle) error { <-forever; return nil }
		go func() { _, _ = l.Inject(context.Background(), request("a")) }()
		begin := time.Now()
		<-l.session.Done()
		require.False(t, l.w.has("a"))
		require.Equal(t, 10*time.Second+injectGrace, time.Since(begin))
		require.Equal(t, "wait for the call in progress", l.record()[1].What)
	})
}

func TestLeaseTriesAgainWithoutHoldingUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		l.w.onRevert = func(n int, h Handle) error {
			switch {
			case h.ID == "b" && n == 1:
				return errors.New("busy")
			case h.ID == "b" && n == 2:
				panic("nil map")
			}
			return nil
		}
		l.inject("a", "b", "c")
		time.Sleep(10*time.Second + firstBackoff + 2*firstBackoff)
		<-l.session.Done()
		require.Equal(t, []string{"revert c", "revert b", "revert a", "revert b", "revert b"}, l.w.did()[3:])
		require.False(t, l.w.has("b"))
		require.Equal(t, "busy", l.record()[3].Error)
	})
}

func TestLeaseGivesUpInBoundedTimeAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		l.w.onRevert = func(_ int, h Handle) error {
			if h.ID == "b" {
				return errors.New("no route to host")
			}
			return nil
		}
		l.inject("a", "b")
		begin := time.Now()
		<-l.session.Done()
		require.LessOrEqual(t, time.Since(begin), 10*time.Second+leaseBudget+attemptBudget)
		rec := l.record()
		require.Less(t, len(rec), 100, "the backoff grows")
		require.Equal(t, "b", rec[len(rec)-1].Handle)
		require.Equal(t, "gave up", rec[len(rec)-1].What)
		require.Equal(t, ExitFaultsLeft, l.session.exitCode())
		require.False(t, l.w.has("a"))
	})
}

func TestLeaseTrustsInspectAndNotRevert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		looks := 0
		l.w.onInspect = func(Handle) (State, error) {
			if looks++; looks < 3 {
				return State{Status: []Status{Active, Unknown}[looks-1], Evidence: "so it seems"}, nil
			}
			return State{Status: Inactive}, nil
		}
		l.inject("a")
		<-l.session.Done()
		require.Equal(t, []string{"inject a", "revert a", "revert a", "revert a"}, l.w.did())
		require.Equal(t, "still active: so it seems", l.record()[2].Error)
	})
}

func TestLeaseLeavesAloneWhatWasRevertedAndProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		l.inject("proven", "unproven")
		for _, id := range []string{"proven", "unproven"} {
			_, err := l.Revert(t.Context(), request(id))
			require.NoError(t, err)
		}
		_, err := l.Inspect(t.Context(), request("proven"))
		require.NoError(t, err)
		<-l.session.Done()
		require.Equal(t, []string{"inject proven", "inject unproven", "revert proven", "revert unproven", "revert unproven"}, l.w.did())
	})
}

func TestLeaseWorksWithoutAStateDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		require.NoError(t, os.RemoveAll(l.dir))
		l.inject("a")
		<-l.session.Done()
		require.False(t, l.w.has("a"))
	})
}

func TestCloseRevertsWhatIsHeldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeased(t)
		l.inject("a")
		l.session.Close(t.Context())
		l.session.Close(t.Context())
		require.Equal(t, []string{"inject a", "revert a"}, l.w.did())
		require.Equal(t, exitStopped, l.session.exitCode())
	})
}

func TestThePluginHearsHowLongItsLeaseLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ends []time.Duration
		begin := time.Now()
		p := fakePlugin(newWorld())
		p.Leased = func(until time.Time) {
			ends = append(ends, until.Sub(begin))
			if len(ends) == 2 {
				panic("a plugin that panics here is still renewed")
			}
		}
		s, err := NewSession(p, t.Output())
		require.NoError(t, err)
		_, _, err = s.configure(t.Context(), Settings{Lease: 10 * time.Second})
		require.NoError(t, err)
		for range 2 {
			time.Sleep(4 * time.Second)
			require.NoError(t, s.renew())
		}
		time.Sleep(11 * time.Second)
		<-s.Done()
		require.ErrorIs(t, s.renew(), ErrLeaseExpired)
		require.Equal(t, []time.Duration{10 * time.Second, 14 * time.Second, 18 * time.Second}, ends, "and never after its end")
	})
}
