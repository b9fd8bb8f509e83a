package engine

import (
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// state is where a step is in its life.
type state string

const (
	waiting   state = "planned"
	preparing state = "preparing"
	injecting state = "injecting"
	active    state = "active"
	reverting state = "reverting"
	reverted  state = "reverted"
	stuck     state = "stuck"
	skipped   state = "skipped"
	running   state = "running" // an action
	ended     state = "ended"   // an action, well or badly
	failed    state = "failed"  // a fault that never was, an action that failed or was never started
)

// step is one fault or one action on the timeline.
type step struct {
	addr   string
	when   plan.When
	fault  *plan.Fault
	action *plan.Action

	state    state
	calls    int         // of the plugin, under way
	handle   *sdk.Handle // set once it is on disk: from then on there may be something to undo
	happened bool        // proven active, or ended well: what waits for it may start
	activeAt time.Duration
	holdEnd  time.Time
	timer    *time.Timer
}

func timeline(p *plan.Plan) (steps []*step) {
	for i := range p.Faults {
		f := &p.Faults[i]
		steps = append(steps, &step{addr: f.Addr, when: f.When, fault: f, state: waiting})
	}
	for i := range p.Actions {
		a := &p.Actions[i]
		steps = append(steps, &step{addr: a.Addr, when: a.When, action: a, state: waiting})
	}
	return steps
}

func (s *step) terminal() bool {
	return slices.Contains([]state{reverted, stuck, skipped, ended, failed}, s.state)
}

// startTimeline sets the clock of the steps that wait for nothing.
func (l *loop) startTimeline() {
	for _, s := range l.timeline {
		if len(s.when.After) == 0 {
			l.arm(s)
		}
	}
}

// arm starts the step when its offset has passed.
func (l *loop) arm(s *step) {
	s.timer = time.AfterFunc(time.Duration(s.when.At), func() {
		l.post(func() {
			if l.abort == nil && s.state == waiting {
				l.begin(s)
			}
		})
	})
}

func (l *loop) begin(s *step) {
	switch {
	case s.action != nil:
		l.act(s)
	case s.fault.Skipped != "":
		s.state = skipped
		l.record(journal.FaultSkipped, journal.StepBody{Addr: s.addr, Reason: s.fault.Skipped})
		l.happen(s)
	default:
		l.prepare(s)
	}
}

// happen starts what has waited for this step.
func (l *loop) happen(s *step) {
	s.happened = true
	for _, d := range l.timeline {
		if d.state == waiting && d.timer == nil && slices.Contains(d.when.After, s.addr) && l.allHappened(d.when.After) {
			l.arm(d)
		}
	}
}

func (l *loop) allHappened(addrs []string) bool {
	for _, s := range l.timeline {
		if slices.Contains(addrs, s.addr) && !s.happened {
			return false
		}
	}
	return true
}

// strand marks what waits for a step that failed: it will never start, and the run need not wait for it.
func (l *loop) strand(s *step) {
	for _, d := range l.timeline {
		if d.state == waiting && slices.Contains(d.when.After, s.addr) {
			d.state = failed
			why := "not started, because " + s.addr + " failed"
			if d.action != nil {
				l.record(journal.ActionEnded, journal.StepBody{Addr: d.addr, Err: why})
			} else {
				l.record(journal.FaultUnproven, journal.StepBody{Addr: d.addr, Err: why})
			}
			l.strand(d)
		}
	}
}

func (l *loop) timelineDone() bool {
	return !slices.ContainsFunc(l.timeline, func(s *step) bool { return !s.terminal() })
}

func (l *loop) stopTimers() {
	for _, s := range l.timeline {
		if s.timer != nil {
			s.timer.Stop()
		}
	}
}

func (l *loop) request(id string, config []byte, targets []sdk.Target) sdk.Request {
	return sdk.Request{Run: l.Started.Run, ID: id, Config: plan.Reveal(config, l.Plan.Secrets), Targets: targets, Seed: l.Plan.Seed}
}
