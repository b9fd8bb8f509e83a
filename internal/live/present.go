package live

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// Guard is how near a guard is to stopping the run. Only the running engine knows: it evaluates guards twenty times a second, and
// the journal is told of the one that tripped.
type Guard struct {
	Addr  string
	Known bool    // all that its condition looks at has data
	Near  float64 // 0 to 1; below 0 where nobody can say
	// Held is how long the condition has been true, of For.
	Held, For time.Duration
	Values    map[string]float64
}

// tick is what the page hears every second.
type tick struct {
	Elapsed int64               `json:"elapsed"`
	SLOs    map[string]indicate `json:"slos"`
	Guards  []near              `json:"guards,omitempty"`
	Width   int64               `json:"width"` // of a bucket of the charts
	Charts  map[string]drawn    `json:"charts"`
	Viewers int                 `json:"viewers"`
}

// indicate is an SLO now.
type indicate struct {
	SLI      float64 `json:"sli"` // 0 to 1
	Known    bool    `json:"known"`
	Violated bool    `json:"violated"`
}

type near struct {
	Addr   string             `json:"addr"`
	Known  bool               `json:"known"`
	Near   float64            `json:"near"`
	Held   int64              `json:"held"`
	Values map[string]float64 `json:"values,omitempty"`
}

func nearOf(guards []Guard) (out []near) {
	for _, g := range guards {
		out = append(out, near{g.Addr, g.Known, g.Near, ms(g.Held), g.Values})
	}
	return out
}

// indicators gives every SLO over its window, by what had been answered at a moment: see decision 4.
func indicators(r *history.Run) map[string]indicate {
	out := map[string]indicate{}
	if r.Plan == nil {
		return out
	}
	for _, s := range r.Plan.SLOs {
		good, total := windowOf(r, &s)
		x := indicate{Known: total > 0}
		if x.Known {
			x.SLI = good / total
			x.Violated = x.SLI < s.Target/100
		}
		out[s.Addr] = x
	}
	return out
}

func windowOf(r *history.Run, s *plan.SLO) (good, total float64) {
	if p := r.Probe(s.Probe); p != nil {
		from := r.LastAt - time.Duration(s.Window)
		for x := range p.Series.Between(from-p.Timeout-settled, r.LastAt) {
			if x.Ended <= from || x.Outcome == sample.Unsent {
				continue
			}
			total++
			if x.Outcome == sample.Good {
				good++
			}
		}
		return good, total
	}
	if x := r.Ratio(s.Addr); x != nil && len(x.Polls) > 0 {
		if last := x.Polls[len(x.Polls)-1]; last.Err == "" {
			return last.Good, last.Total
		}
	}
	return 0, 0
}
