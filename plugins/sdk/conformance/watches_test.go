package conformance

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// book is the store of an honest ledger, and the bell of an honest alert.
type book struct {
	mu      sync.Mutex
	entries []sdk.LedgerEntry
	rings   bool
}

func (b *book) ring(rings bool) func(context.Context, sdk.Request) error {
	return func(context.Context, sdk.Request) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.rings = rings
		return nil
	}
}

// log is an honest ledger, whose page has ten entries and whose cursor counts what was seen, but for what a cheat changes.
type log struct {
	b     *book
	write func(sdk.LedgerEntry) (sdk.LedgerAnswer, bool)
	read  func(req sdk.Request, page sdk.LedgerPage) sdk.LedgerPage
}

func (log) Schema() sdk.Schema { return sdk.Schema{} }

func (l log) Write(_ context.Context, _ sdk.Request, e sdk.LedgerEntry) (sdk.LedgerAnswer, error) {
	keep, answer := true, sdk.LedgerAnswer{Outcome: sdk.LedgerOK}
	if l.write != nil {
		answer, keep = l.write(e)
	}
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if keep {
		l.b.entries = append(l.b.entries, e)
	}
	return answer, nil
}

func (l log) Read(_ context.Context, req sdk.Request, cursor string) (sdk.LedgerPage, error) {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	from, _ := strconv.Atoi(cursor)
	var page sdk.LedgerPage
	end := min(from+10, len(l.b.entries))
	for _, e := range l.b.entries[from:end] {
		if e.Run == req.Run {
			page.Entries = append(page.Entries, e)
		}
	}
	if end < len(l.b.entries) {
		page.Next = strconv.Itoa(end)
	}
	if l.read != nil {
		page = l.read(req, page)
	}
	return page, nil
}

// bell is an alert that a cheat may answer for.
type bell struct {
	b    *book
	poll func(sdk.AlertState) (sdk.AlertState, error)
}

func (bell) Schema() sdk.Schema { return sdk.Schema{} }

func (a bell) Poll(context.Context, sdk.Request) (sdk.AlertState, error) {
	a.b.mu.Lock()
	st := sdk.AlertState{Firing: a.b.rings}
	a.b.mu.Unlock()
	if st.Firing {
		st.Summary = "ding"
	}
	if a.poll != nil {
		return a.poll(st)
	}
	return st, nil
}

// watched makes a subject of a ledger and an alert. What is to be kept by the world is in the book.
func watched(b *book, l log, a bell) Subject {
	l.b, a.b = b, b
	setup := func(context.Context) (sdk.Request, error) { return sdk.Request{}, nil }
	return Subject{
		Settle: 60 * time.Millisecond,
		New: func() *sdk.Plugin {
			return &sdk.Plugin{Name: "town", Version: "0.1.0", Ledgers: map[string]sdk.Ledger{"town_log": l}, Alerts: map[string]sdk.Alert{"town_bell": a}}
		},
		Ledgers: []LedgerCase{{Ledger: "town_log", Setup: setup, Teardown: func(context.Context, sdk.Request) error { return nil }}},
		Alerts:  []AlertCase{{Alert: "town_bell", Setup: setup, Fire: b.ring(true), Resolve: b.ring(false), Teardown: func(context.Context, sdk.Request) error { return nil }}},
	}
}

func TestAnHonestLedgerAndAlertPass(t *testing.T) { Run(t, watched(&book{}, log{}, bell{})) }

func TestCheatingLedgersAndAlertsAreCaught(t *testing.T) {
	n := 0
	for want, s := range map[string]Subject{
		"read back 0 times": watched(&book{}, log{write: func(e sdk.LedgerEntry) (sdk.LedgerAnswer, bool) {
			return sdk.LedgerAnswer{Outcome: sdk.LedgerOK}, e.Seq != 7
		}}, bell{}),
		"info not sure": watched(&book{}, log{write: func(sdk.LedgerEntry) (sdk.LedgerAnswer, bool) {
			return sdk.LedgerAnswer{Outcome: sdk.LedgerInfo, Detail: "not sure"}, true
		}}, bell{}),
		"read back 2 times": watched(&book{}, log{read: func(_ sdk.Request, p sdk.LedgerPage) sdk.LedgerPage {
			p.Entries = append(p.Entries, p.Entries...)
			return p
		}}, bell{}),
		"its pages have no end": watched(&book{}, log{read: func(_ sdk.Request, p sdk.LedgerPage) sdk.LedgerPage {
			p.Next = "0"
			return p
		}}, bell{}),
		"has not ended after": watched(&book{}, log{read: func(_ sdk.Request, p sdk.LedgerPage) sdk.LedgerPage {
			n++
			p.Next = strconv.Itoa(-n)
			return sdk.LedgerPage{Next: "x" + p.Next}
		}}, bell{}),
		"calls strange": watched(&book{}, log{read: func(sdk.Request, sdk.LedgerPage) sdk.LedgerPage {
			return sdk.LedgerPage{Strange: []string{"a hat"}}
		}}, bell{}),
		"and Read finds": watched(&book{}, log{read: func(req sdk.Request, p sdk.LedgerPage) sdk.LedgerPage {
			p.Entries = append(p.Entries, sdk.LedgerEntry{Run: "other"})
			return p
		}}, bell{}),
		"of run \"x\"": watched(&book{}, log{read: func(_ sdk.Request, p sdk.LedgerPage) sdk.LedgerPage {
			for i := range p.Entries {
				p.Entries[i].Run = "x"
			}
			return p
		}}, bell{}),
		"was written as": watched(&book{}, log{read: func(_ sdk.Request, p sdk.LedgerPage) sdk.LedgerPage {
			for i := range p.Entries {
				p.Entries[i].Worker = 9
			}
			return p
		}}, bell{}),
		"after Fire: Poll says firing is false": watched(&book{}, log{}, bell{poll: func(sdk.AlertState) (sdk.AlertState, error) {
			return sdk.AlertState{}, nil
		}}),
		"before anything happened: Poll says firing is true": watched(&book{}, log{}, bell{poll: func(sdk.AlertState) (sdk.AlertState, error) {
			return sdk.AlertState{Firing: true, Summary: "always"}, nil
		}}),
		"set Summary": watched(&book{}, log{}, bell{poll: func(st sdk.AlertState) (sdk.AlertState, error) {
			return sdk.AlertState{Firing: st.Firing}, nil
		}}),
		"Poll: plugin town": watched(&book{}, log{}, bell{poll: func(sdk.AlertState) (sdk.AlertState, error) {
			return sdk.AlertState{}, errors.New("no idea")
		}}),
	} {
		t.Run(want, func(t *testing.T) {
			var all error
			for _, r := range Verify(t.Context(), s) {
				all = errors.Join(all, r.Err)
			}
			require.ErrorContains(t, all, want)
		})
	}
}

func TestALedgerOrAlertWithoutACaseIsNamed(t *testing.T) {
	s := watched(&book{}, log{}, bell{})
	s.Ledgers, s.Alerts = nil, nil
	err := Verify(t.Context(), s)[0].Err
	require.ErrorContains(t, err, "ledger town_log is in no Case")
	require.ErrorContains(t, err, "alert town_bell is in no Case")
	require.False(t, slices.ContainsFunc(Verify(t.Context(), s), func(r Result) bool { return r.Case != "plugin" }))
}
