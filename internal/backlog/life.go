package backlog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// The life of an item is computed from what runs have shown and people have decided, in the order of time, each time that
// somebody asks. Nothing is stored but those, so that it does not matter in which order runs come into an archive.
//
//	open -> fixed (claimed) -> verified (a later run proves it) -> reopened (a later run shows it again)
//	accepted until a day, by somebody, because of something: then open again, by itself

// State of an item.
type State string

// The states.
const (
	Open     State = "open"
	Fixed    State = "fixed"    // claimed by a person, not proven
	Verified State = "verified" // proven by a later run
	Reopened State = "reopened" // it came back, or the claim was wrong
	Accepted State = "accepted" // until a day
)

// Active says whether somebody should work on an item in this state.
func (s State) Active() bool { return s == Open || s == Reopened }

// What a person can decide.
const (
	Claim  = "claim"  // it is fixed
	Accept = "accept" // it stays as it is for now
)

// Decision is what a person decided about an item.
type Decision struct {
	Fingerprint string    `json:"fingerprint"`
	What        string    `json:"what"` // Claim or Accept
	By          string    `json:"by"`
	At          time.Time `json:"at"`
	Because     string    `json:"because,omitempty"`
	Until       time.Time `json:"until,omitzero"` // Accept: the first moment at which it does not hold any more
}

// ID is the same for the same decision.
func (d Decision) ID() string {
	parts := []string{d.Fingerprint, d.What, d.By, d.At.UTC().Format(time.RFC3339Nano), d.Because, d.Until.UTC().Format(time.RFC3339Nano)}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// Link is where an item is in a tracker.
type Link struct {
	Fingerprint string `json:"fingerprint"`
	Tracker     string `json:"tracker"` // its name in the project file
	Issue       string `json:"issue"`   // OPS-12, 34, INC0010001
	URL         string `json:"url"`
}

// Event is one step in the life of an item.
type Event struct {
	At    time.Time `json:"at"`
	State State     `json:"state"` // after it
	What  string    `json:"what"`  // one sentence without its period
	Run   string    `json:"run,omitempty"`
	By    string    `json:"by,omitempty"`
}

// Item is a finding across runs.
type Item struct {
	Finding            // as it was last seen
	State    State     `json:"state"`
	First    time.Time `json:"first_seen"`
	Last     time.Time `json:"last_seen"`
	Seen     int       `json:"runs_seen"` // in how many runs
	LastRun  string    `json:"last_run"`  // the last one that showed it
	ProvenBy string    `json:"proven_by,omitempty"`
	Until    time.Time `json:"accepted_until,omitzero"`
	Note     string    `json:"note,omitempty"` // the last step, for people
	Links    []Link    `json:"links,omitempty"`
	Life     []Event   `json:"life"`
	limit    Judgment  // of the objective, as it was when it was missed
	before   State     // what it was when it was accepted
}

// Clock tells the time.
type Clock func() time.Time

// Life gives every item as it stands now: what needs work first, the worst of it before the rest.
func Life(runs []Evidence, decisions []Decision, links []Link, now time.Time) []Item {
	b := book{items: map[string]*Item{}}
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, func(x, y Evidence) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Run, y.Run)) })
	decisions = slices.Clone(decisions)
	slices.SortStableFunc(decisions, func(x, y Decision) int { return x.At.Compare(y.At) })
	for _, r := range runs {
		for len(decisions) > 0 && !decisions[0].At.After(r.At) {
			b.decide(decisions[0])
			decisions = decisions[1:]
		}
		b.saw(r)
	}
	for _, d := range decisions {
		b.decide(d)
	}
	for _, l := range links {
		if it := b.items[l.Fingerprint]; it != nil {
			it.Links = append(it.Links, l)
		}
	}
	return b.list(now)
}

// book is the backlog while it is being written.
type book struct {
	items map[string]*Item
	order []string
}

func (b *book) saw(r Evidence) {
	for _, f := range r.Findings {
		it := b.items[f.Fingerprint]
		if it == nil {
			it = &Item{First: r.At}
			b.items[f.Fingerprint] = it
			b.order = append(b.order, f.Fingerprint)
		}
		it.expire(r.At)
		it.found(r, f)
	}
	for _, key := range b.order {
		it := b.items[key]
		if it.State != Verified && r.gone(it.Finding) {
			it.expire(r.At)
			it.proven(r)
		}
	}
}

func (it *Item) found(r Evidence, f Finding) {
	it.Finding, it.Last, it.LastRun = f, r.At, r.Run
	it.Seen++
	if j := r.judged(f.Subject); j != nil {
		it.limit = *j
	}
	switch it.State {
	case "":
		it.step(r, Open, "found")
	case Fixed:
		it.step(r, Reopened, "found again, although it was claimed to be fixed")
	case Verified:
		it.step(r, Reopened, "it came back")
	}
	it.ProvenBy = ""
}

func (it *Item) proven(r Evidence) {
	what := "a later run did not show it"
	if j := r.judged(it.Subject); j != nil && j.Verdict == measure.Pass {
		what = "a later run passed " + it.Subject
		if it.limit.Allowed != "" && j.Limit > it.limit.Limit {
			what += fmt.Sprintf(", whose limit is %s now and was %s when it was missed", j.Allowed, it.limit.Allowed)
		}
	}
	it.ProvenBy, it.Until = r.Run, time.Time{}
	it.step(r, Verified, what)
}

func (it *Item) step(r Evidence, to State, what string) {
	it.State, it.Note = to, what
	it.Life = append(it.Life, Event{At: r.At, State: to, What: what, Run: r.Run})
}

// decide takes a decision that fits the state: what is verified needs none.
func (b *book) decide(d Decision) {
	it := b.items[d.Fingerprint]
	if it == nil {
		return // the runs that showed it are not in this archive
	}
	it.expire(d.At)
	if it.State == Verified {
		return
	}
	e := Event{At: d.At, By: d.By}
	switch d.What {
	case Claim:
		it.State, it.Until = Fixed, time.Time{}
		e.What = because("claimed to be fixed by "+d.By, d)
	case Accept:
		if it.State != Accepted {
			it.before = it.State
		}
		if it.before == Fixed {
			it.before = Open
		}
		it.State, it.Until = Accepted, d.Until
		e.What = because(fmt.Sprintf("accepted until %s by %s", lastDay(d.Until), d.By), d)
	}
	e.State, it.Note = it.State, e.What
	it.Life = append(it.Life, e)
}

func because(what string, d Decision) string {
	if d.Because == "" {
		return what
	}
	return what + ", because " + d.Because
}

// lastDay is the last day on which an acceptance holds.
func lastDay(until time.Time) string { return until.Add(-time.Nanosecond).Format(time.DateOnly) }

// expire ends an acceptance whose time is over.
func (it *Item) expire(now time.Time) {
	if it.State != Accepted || now.Before(it.Until) {
		return
	}
	it.State = it.before
	it.Note = "the acceptance ended on " + lastDay(it.Until)
	it.Life = append(it.Life, Event{At: it.Until, State: it.State, What: it.Note})
	it.Until = time.Time{}
}

func (b *book) list(now time.Time) []Item {
	out := []Item{}
	for _, key := range b.order {
		it := b.items[key]
		it.expire(now)
		out = append(out, *it)
	}
	slices.SortStableFunc(out, func(x, y Item) int {
		return cmp.Or(cmp.Compare(stateRank(x.State), stateRank(y.State)), cmp.Compare(rank(y.Severity), rank(x.Severity)),
			cmp.Compare(x.Scenario, y.Scenario), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Subject, y.Subject))
	})
	return out
}

func stateRank(s State) int {
	return slices.Index([]State{Reopened, Open, Fixed, Accepted, Verified}, s)
}
