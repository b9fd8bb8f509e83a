package reports

import (
	"fmt"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// split is the recovery time of one objective, drawn as bars on a common scale: where the time went.
type split struct {
	Addr, Name string
	Value      string
	Parts      []part
	Advice     string // which part to shorten, in a sentence
}

// part is one bar. Parts overlap, so its solid end is what the part adds to those before it: the time that would be saved
// without it. X, W and Solid are thousandths of the whole.
type part struct {
	Name, What    string
	From, To      string
	Length        string
	Adds, Share   string
	X, W          float64
	SolidX, Solid float64
	Longest       bool
}

// shorten says what usually makes a part shorter.
var shorten = map[string]string{
	"detection":   "Look at alert windows, evaluation intervals and what the alert watches.",
	"decision":    "Look at the runbook, at who is woken, and at whether a person has to decide at all.",
	"action":      "Look at the steps of the runbook and at what could be prepared before they are needed.",
	"convergence": "Look at health-check intervals and thresholds, DNS lifetimes, leader election and how clients reconnect.",
}

// maxSplits is how many recoveries are taken apart; of more than these, the worst.
const maxSplits = 6

func (m *Model) splits() (shown []split, more int) {
	var all []*measure.ObjectiveResult
	for i := range m.result().Objectives {
		if o := &m.result().Objectives[i]; o.Split != nil && len(o.Split.Parts) > 0 {
			all = append(all, o)
		}
	}
	if len(all) > maxSplits {
		slices.SortStableFunc(all, func(a, b *measure.ObjectiveResult) int {
			switch {
			case worse(a, b):
				return -1
			case worse(b, a):
				return 1
			}
			return 0
		})
		all, more = all[:maxSplits], len(all)-maxSplits
	}
	for _, o := range all {
		shown = append(shown, newSplit(o))
	}
	return shown, more
}

func newSplit(o *measure.ObjectiveResult) split {
	s := split{Addr: o.Addr, Name: shortName(o.Addr), Value: o.Value}
	from, to, total := o.Split.Parts[0].From, o.Split.Parts[0].To, time.Duration(0)
	for _, p := range o.Split.Parts {
		from, to, total = min(from, p.From), max(to, p.To), total+o.Split.Adds(p.Name)
	}
	scale := func(d time.Duration) float64 { return float64(d) / float64(max(to-from, 1)) * 1000 }
	for _, p := range o.Split.Parts {
		adds := o.Split.Adds(p.Name)
		row := part{
			Name: p.Name, What: p.What, From: Offset(p.From), To: Offset(p.To), Length: measure.Seconds(max(p.To-p.From, 0)), Adds: measure.Seconds(adds),
			Share: fmt.Sprintf("%.0f %%", float64(adds)/float64(max(total, 1))*100), X: scale(p.From - from), W: max(2, scale(p.To-p.From)),
			Solid: scale(adds), Longest: p.Name == o.Split.Longest,
		}
		row.X = min(row.X, 1000-row.W)
		row.SolidX = row.X + row.W - row.Solid
		s.Parts = append(s.Parts, row)
		if row.Longest {
			s.Advice = advice(p.Name, adds, total, o.Time != nil && o.Time.Censored)
		}
	}
	return s
}

// advice names the total as the headline does: an upper end, rounded up; or how much was seen of what did not end.
func advice(name string, adds, total time.Duration, censored bool) string {
	const shown = 10 * time.Millisecond
	adds, of := adds.Round(shown), "the first "
	if censored {
		total = total.Truncate(shown)
	} else if of = ""; total%shown != 0 {
		total = total.Truncate(shown) + shown
	}
	hint, rest := shorten[name], measure.Seconds(max(0, total-adds))
	switch {
	case name != measure.PartOnset:
	case censored:
		hint = fmt.Sprintf("Users noticed after %s, and were still without service %s later.", measure.Seconds(adds), rest)
	default:
		hint = fmt.Sprintf("Users noticed after %s, and were without service for the %s that followed.", measure.Seconds(adds), rest)
	}
	return fmt.Sprintf("%s of %s%s went into %s. %s", measure.Seconds(adds), of, measure.Seconds(total), name, hint)
}
