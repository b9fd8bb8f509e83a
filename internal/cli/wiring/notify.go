package wiring

import (
	"context"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/notify"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/reports"
)

// Notifier makes what tells others of a run.
func Notifier(ctx context.Context, p *plan.Plan, trouble func(error)) (*notify.Notifier, error) {
	var blocks []notify.Block
	for _, n := range p.Notify {
		k, ok := notify.Kinds()[n.Type]
		if !ok {
			return nil, fmt.Errorf("%s: there is no notify of type %q in this gameday", n.Addr, n.Type)
		}
		s, err := k.New(plan.Reveal(n.Config, p.Secrets))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Addr, err)
		}
		blocks = append(blocks, notify.Block{Addr: n.Addr, On: n.On, Sender: s})
	}
	return notify.New(ctx, blocks, trouble), nil
}

// NewsOf is what every piece of news about a run begins with.
func NewsOf(p *plan.Plan, s journal.Started, m notify.Moment) notify.News {
	c := p.Scenario
	return notify.News{Moment: m, At: time.Now(), Run: s.Run, Scenario: c.Name, Title: c.Title, Service: c.Service, Owner: c.Owner,
		Environment: c.Environment, User: s.User, Host: s.Host}
}

// NewsOfEnd is what there is to tell when a run is over.
func (j *Judged) NewsOfEnd(p *plan.Plan, exit int, report string) notify.News {
	s := j.Run.Started.Started
	n := NewsOf(p, s, notify.End)
	n.At = s.Wall.Add(j.Run.LastAt)
	n.Headline = reports.Build(j.Run, j.Result, j.Findings).Headline()
	n.Why, n.Exit, n.Outstanding, n.Report = j.Result.Why, &exit, j.Result.Outstanding, report
	for _, o := range j.Result.Objectives {
		n.Objectives = append(n.Objectives, notify.Objective{Name: o.Addr, Verdict: o.Verdict.String(), Limit: o.Limit, Measured: o.Value, Why: o.Why})
	}
	for _, f := range j.Findings {
		n.Findings = append(n.Findings, f.Title)
	}
	for _, a := range j.Run.Aborts {
		n.Reason = a.Reason
	}
	n.Spans = spans(j.Run, j.Result)
	return n
}

func spans(run *history.Run, r *measure.Result) (out []notify.Span) {
	wall := run.Started.Wall
	for _, p := range run.Phases {
		out = append(out, notify.Span{Name: string(p.Name), Kind: "phase", From: wall.Add(p.From), To: wall.Add(p.To)})
	}
	for _, f := range r.Faults {
		is := run.Fault(f.Addr)
		if is == nil || is.Injecting == nil {
			continue // it never was
		}
		s := notify.Span{Name: f.Addr, Kind: "fault", Type: f.Type, From: wall.Add(is.Injecting.At), To: wall.Add(run.LastAt), Targets: f.Targets, Err: f.Err}
		if f.Reverted != nil {
			s.To = wall.Add(f.Reverted.Hi)
		}
		out = append(out, s)
	}
	for _, a := range run.Actions {
		if a.Started != nil && a.Ended != nil {
			out = append(out, notify.Span{Name: a.Addr, Kind: "action", From: wall.Add(a.Started.At), To: wall.Add(a.Ended.At), Err: a.Ended.Err})
		}
	}
	return out
}
