package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func ready(t *testing.T, p *Plugin) *Local {
	l := local(t, p)
	_, _, err := l.Configure(t.Context(), Settings{Lease: time.Hour})
	require.NoError(t, err)
	return l
}

func TestEverythingTravels(t *testing.T) {
	p, ctx := fakePlugin(newWorld()), t.Context()
	l := local(t, p)
	info, err := l.Describe(ctx)
	require.NoError(t, err)
	require.Equal(t, p.Describe(), info)

	outputs, problems, err := l.Configure(ctx, Settings{Config: json.RawMessage(`{"endpoint":"bad"}`)})
	require.NoError(t, err)
	require.Nil(t, outputs)
	require.Equal(t, []Problem{{Severity: Error, Path: []string{"endpoint"}, Summary: "Bad endpoint"}}, problems)
	outputs, problems, err = l.Configure(ctx, Settings{Config: json.RawMessage(`{"endpoint":"good"}`), Lease: time.Minute})
	require.NoError(t, err, "Configure may be tried again after problems")
	require.Empty(t, problems)
	require.Equal(t, map[string]any{"dns": "127.0.0.1:53", "count": 2.0}, outputs)

	sel, problems, err := l.Resolve(ctx, "fake_thing", Request{ID: "target.fake_thing.all", Config: json.RawMessage(`{"count":2}`)})
	require.NoError(t, err)
	require.Equal(t, 2, sel.Population)
	require.Equal(t, Target{Type: "fake_thing", ID: "1", Name: "thing 1", Attrs: map[string]string{"n": "1"}}, sel.Targets[1])
	require.Equal(t, Warning, problems[0].Severity)

	_, problems, err = l.Prepare(ctx, "fake_mark", Request{ID: "fault.fake_mark.x"})
	require.NoError(t, err)
	require.Equal(t, "break:things", problems[0].Permission)
	h, problems, err := l.Prepare(ctx, "fake_mark", Request{Run: "r", ID: "fault.fake_mark.x", Targets: sel.Targets})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Equal(t, Handle{
		ID: "r/fault.fake_mark.x", Run: "r", Plugin: "fake", Version: "1.2.3", Fault: "fake_mark", Targets: sel.Targets,
		Undo: json.RawMessage(`{"mark":"fault.fake_mark.x"}`), Steps: []string{"rub it out"}, Effects: []string{"a mark"},
	}, h)
	require.NoError(t, l.Inject(ctx, h))
	state, err := l.Inspect(ctx, h)
	require.NoError(t, err)
	require.Equal(t, State{Status: Active, Evidence: "the mark is there"}, state)
	require.NoError(t, l.Revert(ctx, h))

	problems, err = l.Check(ctx, "fake_move", Request{ID: "action.fake_move.m"})
	require.NoError(t, err)
	require.Equal(t, "Come back later.", problems[0].Detail)
	said, err := l.Run(ctx, "fake_move", Request{ID: "action.fake_move.m"})
	require.NoError(t, err)
	require.Equal(t, "moved action.fake_move.m", said)
	seen, err := l.Probe(ctx, "fake_probe", Request{})
	require.NoError(t, err)
	require.Equal(t, Observation{Class: "status", Detail: "503"}, seen)
	answer, err := l.Write(ctx, "fake_log", Request{ID: "ledger.fake_log.x"}, LedgerEntry{Seq: 3})
	require.NoError(t, err)
	require.Equal(t, LedgerAnswer{Outcome: LedgerInfo, Detail: "ledger.fake_log.x 3", Promise: "on two replicas"}, answer)
	page, err := l.Read(ctx, "fake_log", Request{Run: "r"}, "")
	require.NoError(t, err)
	require.Equal(t, LedgerPage{Entries: []LedgerEntry{{Run: "r", Seq: 7, Worker: 2, Time: time.Unix(1, 5).UTC()}}, Strange: []string{"a hat"}, Next: "1"}, page)
	fires, err := l.Poll(ctx, "fake_alarm", Request{ID: "alert.fake_alarm.x"})
	require.NoError(t, err)
	require.Equal(t, AlertState{Firing: true, Summary: "fire in alert.fake_alarm.x"}, fires)
	left, err := l.Sweep(ctx)
	require.NoError(t, err)
	require.Equal(t, "left", left[0].ID)
	require.NoError(t, l.Renew(ctx))
}

// A ledger's reader is asked again after an error, but for one that its author calls final.
func TestAFinalErrorIsKnownAsOne(t *testing.T) {
	l := ready(t, fakePlugin(newWorld()))
	_, err := l.Read(t.Context(), "fake_log", Request{ID: "x"}, "1")
	require.EqualError(t, err, "plugin fake: Read x: busy")
	require.NotErrorIs(t, err, ErrFinal)
	_, err = l.Read(t.Context(), "fake_log", Request{ID: "x"}, "lost")
	require.EqualError(t, err, "plugin fake: Read x: reading: no such cursor")
	require.ErrorIs(t, err, ErrFinal)
	_, err = l.Write(t.Context(), "fake_log", Request{ID: "x"}, LedgerEntry{Seq: 13})
	require.ErrorContains(t, err, "unlucky")
	_, err = l.Poll(t.Context(), "fake_mute", Request{ID: "x"})
	require.EqualError(t, err, "plugin fake: Poll x: no answer")
	_, err = l.Read(t.Context(), "fake_lag", Request{}, "")
	require.ErrorIs(t, err, ErrNotOffered)
}

// A document is about what the request says, so it is there before Configure, and where Configure could not reach anything.
func TestADocumentNeedsNoConfigure(t *testing.T) {
	l, ctx := local(t, fakePlugin(newWorld())), t.Context()
	text, err := l.Document(ctx, "rights", DocumentRequest{
		Scenario: "loss", Plugins: []DocumentPlugin{{Alias: "west"}}, Blocks: []DocumentBlock{{Kind: "target"}, {Kind: "fault"}},
	})
	require.NoError(t, err)
	require.Equal(t, "loss 1 2\n", text)
	_, err = l.Document(ctx, "rights", DocumentRequest{Scenario: "wrong"})
	require.EqualError(t, err, "plugin fake: Document rights: there is no such right")
	_, err = l.Document(ctx, "wrongs", DocumentRequest{})
	require.ErrorIs(t, err, ErrNotOffered)
	require.ErrorContains(t, err, "it has rights")
}

func TestEventsArriveUntilTheContextEnds(t *testing.T) {
	l := ready(t, fakePlugin(newWorld()))
	ctx, cancel := context.WithCancel(t.Context())
	got := map[string]bool{}
	require.NoError(t, l.Events(ctx, func(e Event) {
		got[e.Summary] = true
		if len(got) == 10 {
			cancel()
		}
	}))
	require.Len(t, got, 10)
}

func TestErrorsTellWhatFailed(t *testing.T) {
	w := newWorld()
	w.onInject = func(context.Context, Handle) error { return errors.New("the disk is full") }
	// A service that the plugin itself talks to is unavailable. The plugin is not.
	w.onInspect = func(Handle) (State, error) { return State{}, status.Error(codes.Unavailable, "etcd is down") }
	w.onRevert = func(int, Handle) error { panic("nil map") }
	p := fakePlugin(w)
	p.Sweep, p.Observe = nil, nil
	l, ctx := local(t, p), t.Context()

	require.ErrorIs(t, l.Inject(ctx, fakeHandle("h")), ErrOutOfOrder)
	_, _, err := l.Configure(ctx, Settings{Lease: time.Hour})
	require.NoError(t, err)
	_, _, err = l.Configure(ctx, Settings{})
	require.ErrorIs(t, err, ErrOutOfOrder)

	err = l.Inject(ctx, fakeHandle("h"))
	require.EqualError(t, err, "plugin fake: Inject h: the disk is full")
	require.NotErrorIs(t, err, ErrGone)
	var call *CallError
	require.ErrorAs(t, err, &call)
	require.Equal(t, codes.Unknown, call.Code)

	_, err = l.Inspect(ctx, fakeHandle("h"))
	require.ErrorContains(t, err, "etcd is down")
	require.NotErrorIs(t, err, ErrGone)

	err = l.Revert(ctx, fakeHandle("h"))
	require.ErrorIs(t, err, ErrPanicked)
	require.ErrorContains(t, err, "nil map")
	w.onRevert, w.onInspect = nil, nil

	other := fakeHandle("h")
	other.Plugin = "aws"
	require.ErrorContains(t, l.Inject(ctx, other), `belongs to plugin "aws"`)
	_, _, err = l.Prepare(ctx, "fake_mork", Request{})
	require.ErrorIs(t, err, ErrNotOffered)
	require.ErrorContains(t, err, "fake_mark")
	_, err = l.Sweep(ctx)
	require.ErrorIs(t, err, ErrNotOffered)
	require.ErrorIs(t, l.Events(ctx, func(Event) {}), ErrNotOffered)
	_, err = l.Probe(ctx, "fake_sick", Request{ID: "p"})
	require.EqualError(t, err, "plugin fake: Probe p: cannot ask")

	big := fakeHandle("h")
	big.Undo = json.RawMessage(`"` + strings.Repeat("x", MaxMessage) + `"`)
	err = l.Revert(ctx, big)
	require.ErrorIs(t, err, ErrTooLarge)
	require.ErrorContains(t, err, "16 MiB")

	broken := fakeHandle("h")
	broken.Undo = json.RawMessage("{")
	require.ErrorContains(t, l.Revert(ctx, broken), "encoding the handle as JSON")

	l.server.Stop()
	require.ErrorIs(t, l.Renew(ctx), ErrGone)
}

func TestInjectNeedsALease(t *testing.T) {
	w := newWorld()
	l := local(t, fakePlugin(w))
	_, _, err := l.Configure(t.Context(), Settings{})
	require.NoError(t, err)
	err = l.Inject(t.Context(), fakeHandle("h"))
	require.ErrorIs(t, err, ErrOutOfOrder)
	require.ErrorContains(t, err, "needs a lease")
	require.Empty(t, w.did())
	require.ErrorIs(t, l.Renew(t.Context()), ErrOutOfOrder)
}

func TestContextsCrossTheWire(t *testing.T) {
	w := newWorld()
	ended := make(chan error, 1)
	began := make(chan time.Time, 1)
	w.onInject = func(ctx context.Context, _ Handle) error {
		deadline, _ := ctx.Deadline()
		began <- deadline
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	l := ready(t, fakePlugin(w))
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- l.Inject(ctx, fakeHandle("a")) }()
	require.Zero(t, <-began)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	require.ErrorIs(t, <-ended, context.Canceled)

	want := time.Now().Add(200 * time.Millisecond)
	ctx, cancel = context.WithDeadline(t.Context(), want)
	defer cancel()
	require.ErrorIs(t, l.Inject(ctx, fakeHandle("b")), context.DeadlineExceeded)
	require.WithinDuration(t, want, <-began, 100*time.Millisecond)
	require.Error(t, <-ended)

	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := l.Run(ctx, "fake_move", Request{ID: "slow"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// An answer may be lost while Inject still runs. The Revert that follows must not run beside it.
func TestRevertWaitsForTheInjectWhoseAnswerWasLost(t *testing.T) {
	w := newWorld()
	began, finish := make(chan struct{}), make(chan struct{})
	w.onInject = func(_ context.Context, h Handle) error {
		close(began)
		<-finish
		w.act("inject done %s", h.ID)
		return nil
	}
	l := ready(t, fakePlugin(w))
	ctx, cancel := context.WithCancel(t.Context())
	lost := make(chan error, 1)
	go func() { lost <- l.Inject(ctx, fakeHandle("h")) }()
	<-began
	cancel()
	require.ErrorIs(t, <-lost, context.Canceled)

	reverted := make(chan error, 1)
	go func() { reverted <- l.Revert(t.Context(), fakeHandle("h")) }()
	_, err := l.Inspect(t.Context(), fakeHandle("other")) // other handles do not wait
	require.NoError(t, err)
	require.Equal(t, []string{"inject h"}, w.did())
	close(finish)
	require.NoError(t, <-reverted)
	require.Equal(t, []string{"inject h", "inject done h", "revert h"}, w.did())
	require.False(t, w.has("h"))
}

func TestRevertInterruptsInject(t *testing.T) {
	w := newWorld()
	began := make(chan struct{})
	w.onInject = func(ctx context.Context, _ Handle) error {
		close(began)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	l := ready(t, fakePlugin(w))
	injected := make(chan error, 1)
	go func() { injected <- l.Inject(t.Context(), fakeHandle("h")) }()
	<-began
	require.NoError(t, l.Revert(t.Context(), fakeHandle("h")))
	require.ErrorContains(t, <-injected, "interrupted by Revert")
	require.False(t, w.has("h"))
}

// impatient wants to say itself how often it is asked.
type impatient struct{ fakeAlert }

func (impatient) Schema() Schema {
	return Schema{Attributes: []Attribute{{Name: "interval", Type: Duration}}}
}

func TestAuthorsMistakesAreNamed(t *testing.T) {
	for want, p := range map[string]*Plugin{
		"no plugin":              nil,
		"plugin name":            {Name: "my-plugin", Version: "1.0.0"},
		"not a semantic version": {Name: "mine", Version: "v1"},
		"gameday adds it":        {Name: "mine", Version: "1.0.0", Alerts: map[string]Alert{"mine_alarm": impatient{}}},
		"cannot be a flag":       {Name: "mine", Version: "1.0.0", Documents: map[string]Document{"Rights": {Write: fakePlugin(newWorld()).Documents["rights"].Write}}},
		"has no Write":           {Name: "mine", Version: "1.0.0", Documents: map[string]Document{"rights": {}}},
		"must begin with mine_":  {Name: "mine", Version: "1.0.0", Faults: map[string]Fault{"outage": fakeFault{}}},
		"is nil":                 {Name: "mine", Version: "1.0.0", Probers: map[string]Prober{"mine_p": nil}},
	} {
		_, err := NewSession(p, t.Output())
		require.ErrorContains(t, err, want)
	}
}

func TestDecode(t *testing.T) {
	cfg := struct {
		Wait Span `json:"wait"`
		N    int  `json:"n"`
	}{N: 7}
	require.NoError(t, Request{}.Decode(&cfg))
	require.NoError(t, Request{Config: json.RawMessage(`{"wait":"1m30s"}`)}.Decode(&cfg))
	require.Equal(t, 90*time.Second, time.Duration(cfg.Wait))
	require.Equal(t, 7, cfg.N)
	b, err := json.Marshal(cfg.Wait)
	require.NoError(t, err)
	require.Equal(t, `"1m30s"`, string(b))
	require.ErrorContains(t, Request{ID: "fault.x.y", Config: json.RawMessage(`{"wiat":"1s"}`)}.Decode(&cfg), "wiat")
	require.ErrorContains(t, Request{Config: json.RawMessage(`{"wait":3}`)}.Decode(&cfg), "length of time")
	require.ErrorContains(t, Handle{ID: "h"}.DecodeUndo(&cfg), "nothing in Undo")
}
