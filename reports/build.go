package reports

import (
	"encoding/hex"
	"time"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/replay"
)

// Build takes from a run what its report shows. It keeps no samples, so the run may be let go after it.
func Build(run *history.Run, res *measure.Result, findings []backlog.Finding) *Model {
	m := &Model{Plan: run.Plan, Result: res, Findings: findings, Run: runFacts(run), Journal: journalFacts(run)}
	for i, p := range run.Phases {
		open := run.Ended == nil && i == len(run.Phases)-1
		m.Phases = append(m.Phases, Stretch{Addr: string(p.Name), From: p.From, To: p.To, Open: open, Seq: p.Seq})
	}
	for _, a := range run.Actions {
		if a.Started != nil {
			m.Actions = append(m.Actions, actionStretch(a, run))
		}
	}
	for _, f := range run.Faults {
		if f.Injecting != nil {
			m.Injected = append(m.Injected, faultStretch(f, m.Run.Length))
		}
	}
	for _, o := range run.Outstanding() {
		m.ByHand = append(m.ByHand, byHand(o))
	}
	m.Entries = chronology(run)
	m.Replay = replay.Compare(run, res)
	return cleaned(m)
}

func faultStretch(f *history.Fault, end time.Duration) Stretch {
	s := Stretch{Addr: f.Addr, From: f.Injecting.At, To: end, Open: true, Seq: f.Injecting.Seq}
	if f.Reverted != nil {
		s.To, s.Open = f.Reverted.At, false
	}
	if f.Active == nil {
		s.Err = "not proven active"
	}
	return s
}

func byHand(o history.Outstanding) ByHand {
	b := ByHand{Addr: o.Addr, Targets: []string{}, Steps: list(o.Handle.Steps)}
	for _, t := range o.Handle.Targets {
		b.Targets = append(b.Targets, t.Name)
	}
	if o.Stuck != nil {
		b.Err = o.Stuck.Err
		if len(o.Stuck.Steps) > 0 {
			b.Steps = o.Stuck.Steps
		}
	}
	return b
}

func runFacts(run *history.Run) Run {
	s := run.Started
	r := Run{ID: s.Run, Tool: s.Tool, Started: s.Wall, Length: run.LastAt, Seed: s.Seed, PlanHash: s.PlanHash, Host: s.Host, User: s.User, Source: s.Source, Approved: s.Approvals}
	if run.Ended != nil {
		r.Length = run.Ended.At // a recovery may have come days later, and is not part of the picture
	}
	return r
}

func journalFacts(run *history.Run) Journal {
	j := Journal{Entries: run.File.Entries, Hash: hex.EncodeToString(run.File.Head[:]), Detail: run.File.Detail}
	switch run.Ending() {
	case history.Complete:
		j.End = Complete
	case history.Tampered:
		j.End = Damaged
	default:
		j.End = Cut
	}
	return j
}

func actionStretch(a *history.Action, run *history.Run) Stretch {
	s := Stretch{Addr: a.Addr, From: a.Started.At, To: runFacts(run).Length, Open: true, By: a.Started.By, Seq: a.Started.Seq}
	if a.Ended != nil {
		s.To, s.Open, s.What, s.Err = a.Ended.At, false, orElse(a.Ended.Evidence, a.Ended.Reason), a.Ended.Err
		s.By = orElse(a.Ended.By, s.By)
	}
	return s
}
