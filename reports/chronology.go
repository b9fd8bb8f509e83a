package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// tool is who acts where no person is named.
const tool = "gameday"

// teller collects the chronology of a run.
type teller struct{ out []Entry }

// chronology says who did what when, by time; of entries at the same time the one written first comes first.
func chronology(run *history.Run) []Entry {
	t := &teller{}
	t.frame(run)
	for _, f := range run.Faults {
		t.fault(f)
	}
	for _, a := range run.Actions {
		t.action(a)
	}
	t.watchers(run)
	t.people(run)
	slices.SortStableFunc(t.out, func(a, b Entry) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Seq, b.Seq)) })
	return t.out
}

func (t *teller) tell(m history.Mark, kind EntryKind, addr, who, text string, bad bool) {
	t.out = append(t.out, Entry{At: m.At, Seq: m.Seq, Kind: kind, Addr: addr, Who: orElse(who, tool), Text: text, Bad: bad})
}

// frame is what holds a run together: its start, its phases, its checks and its end.
func (t *teller) frame(run *history.Run) {
	s := run.Started
	if s.Seq > 0 || s.Run != "" {
		t.tell(s.Mark, KindRun, "", s.User, with("started the run", "on", s.Host), false)
	}
	for _, a := range s.Approvals {
		t.tell(s.Mark, KindRun, "", a.By, approved(a), false)
	}
	for _, p := range run.Phases {
		t.tell(history.Mark{Seq: p.Seq, At: p.From}, KindPhase, "", "", string(p.Name)+" begins", false)
	}
	for _, c := range run.Checks {
		t.tell(c.Mark, KindCheck, c.Addr, "", with(c.Name, ":", c.Detail), !c.OK)
	}
	for _, c := range run.Clock {
		t.tell(c.Mark, KindClock, "", "", "the wall clock was set by "+Duration(c.Step)+"; offsets are not affected", true)
	}
	for _, x := range run.Troubles {
		t.tell(x.Mark, KindTrouble, x.Addr, "", x.What, true)
	}
	if e := run.Ended; e != nil {
		t.tell(e.Mark, KindRun, "", "", withOutstanding(with("the run ended", ":", e.Reason), e.Outstanding), len(e.Outstanding) > 0)
	}
	if e := run.Recovered; e != nil {
		t.tell(e.Mark, KindRun, "", "", withOutstanding(with("gameday recover finished", ":", e.Reason), e.Outstanding), len(e.Outstanding) > 0)
	}
}

func (t *teller) fault(f *history.Fault) {
	if f.Prepared != nil {
		t.tell(f.Prepared.Mark, KindFault, f.Addr, "", "prepared; the undo is on disk", false)
	}
	t.step(KindFault, f.Injecting, "injecting", false)
	t.step(KindFault, f.Injected, "injected", false)
	t.step(KindFault, f.Active, "proven active", false)
	t.step(KindFault, f.Unproven, "not proven active", true)
	t.step(KindFault, f.Skipped, "skipped", false)
	for i := range f.Inspections {
		t.step(KindFault, &f.Inspections[i], "looked at", false)
	}
	t.step(KindFault, f.Reverting, "reverting", false)
	t.step(KindFault, f.Reverted, "proven gone", false)
	t.step(KindFault, f.Stuck, "not proven gone", true)
}

func (t *teller) action(a *history.Action) {
	if a.Prepared != nil {
		t.tell(a.Prepared.Mark, KindAction, a.Addr, "", "prepared; the undo is on disk", false)
	}
	t.step(KindAction, a.Started, "started", false)
	t.step(KindAction, a.Ended, "ended", false)
	t.step(KindAction, a.Undoing, "being undone", false)
	t.step(KindAction, a.Undone, "undone", false)
	t.step(KindAction, a.Stuck, "could not be undone", true)
}

func (t *teller) step(kind EntryKind, s *history.Step, what string, bad bool) {
	if s == nil {
		return
	}
	text := with(with(what, ":", s.Reason), ":", s.Evidence)
	t.tell(s.Mark, kind, s.Addr, s.By, with(text, ": error:", s.Err), bad || s.Err != "")
}

// watchers are what probes, ledgers, alerts and the system itself noticed.
func (t *teller) watchers(run *history.Run) {
	for _, l := range run.Ledgers {
		for _, r := range l.ReadBacks {
			t.tell(r.Mark, KindLedger, l.Addr, "", with("read back after "+r.Stage+" in "+Duration(r.To-r.From), ": error:", r.Err), r.Err != "")
		}
	}
	for _, a := range run.Alerts {
		for _, s := range a.States {
			state := "not firing"
			if s.Firing {
				state = "firing"
			}
			t.tell(s.Mark, KindAlert, a.Addr, "", with(with(state, ":", s.Summary), ": error:", s.Err), s.Err != "")
		}
	}
	for _, e := range run.Events {
		at := history.Mark{Seq: e.Seq, At: time.Duration(e.EventBody.At)}
		t.tell(at, KindEvent, e.Event.Subject, orElse(e.Event.Source, e.Plugin), e.Event.Summary, false)
		t.out[len(t.out)-1].Key = e.Event.Kind == sdk.Detected || e.Event.Kind == sdk.Recovered
	}
}

// people are the notes, and who or what stopped the run.
func (t *teller) people(run *history.Run) {
	for _, n := range run.Notes {
		t.tell(n.Mark, KindNote, "", orElse(n.Author, "somebody"), n.Text, false)
	}
	for _, g := range run.Guards {
		t.tell(g.Mark, KindGuard, g.Addr, "", fmt.Sprintf("tripped: %s, since %s%s", g.Expr, Offset(g.Since), valuesInWords(g.Values)), true)
	}
	for _, a := range run.Aborts {
		t.tell(a.Mark, KindAbort, "", a.By, with("aborted the run", ":", a.Reason), true)
	}
}

func valuesInWords(values map[string]float64) string {
	var parts []string
	for _, name := range sortedKeys(values) {
		parts = append(parts, fmt.Sprintf("%s = %.4g", name, values[name]))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// with appends what there is to say, after a joint such as ":" or "on".
func with(text, joint, more string) string {
	switch {
	case more == "":
		return text
	case strings.HasPrefix(joint, ":"):
		return text + joint + " " + more
	}
	return text + " " + joint + " " + more
}

func withOutstanding(text string, names []string) string {
	if len(names) == 0 {
		return text
	}
	return text + "; not proven to be back: " + strings.Join(names, ", ")
}

// approved says how much an approval is worth.
func approved(a journal.Approval) string {
	if a.Signed {
		return "approved the plan, signed on " + a.At.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return "approved the run, by the word of who started it"
}
