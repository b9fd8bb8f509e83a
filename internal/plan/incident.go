package plan

import (
	"slices"
	"time"
)

// Incident is something that happened, and that a replay is measured against. Times are counted from Started; one that
// nobody wrote down is nil.
type Incident struct {
	Name    string `json:"name"`
	Title   string `json:"title,omitempty"`
	Source  string `json:"source,omitempty"`  // the file that it was imported from
	Started string `json:"started,omitempty"` // RFC 3339
	// Fault stands for its beginning; the first fault of the timeline where it is empty.
	Fault string `json:"fault,omitempty"`

	Onset     *Duration `json:"onset,omitempty"`     // users noticed
	Detected  *Duration `json:"detected,omitempty"`  // the team noticed
	Decided   *Duration `json:"decided,omitempty"`   // it was known what to do
	Mitigated *Duration `json:"mitigated,omitempty"` // users were served again, if not in full
	Recovered *Duration `json:"recovered,omitempty"` // all was well again

	Impact   string   `json:"impact,omitempty"`  // on customers, in words
	Metrics  string   `json:"metrics,omitempty"` // CSV, or the answer of Prometheus to query_range
	Remedies []Remedy `json:"remedies,omitempty"`
	// Keep are the steps whose times a replay does not compress.
	Keep []string `json:"keep,omitempty"`
	// Speed is how many times as fast the steps of the replay follow each other; 0 for as they did. Paced are the steps
	// that this moved.
	Speed float64 `json:"speed,omitempty"`
	Paced []Paced `json:"paced,omitempty"`
	Pos   Pos     `json:"pos"`
}

// Remedy is something that was done after an incident so that it does less harm the next time.
type Remedy struct {
	Name     string `json:"name"`
	What     string `json:"what,omitempty"`
	Shortens string `json:"shortens"` // onset, detection, decision, action, convergence
	InPlace  bool   `json:"in_place,omitempty"`
}

// Paced is a step whose times were compressed, with what they were. Hold is zero for an action.
type Paced struct {
	Addr string   `json:"addr"`
	At   Duration `json:"at"`
	Hold Duration `json:"hold,omitempty"`
	// Why says what kept a time from being compressed as much as was asked for.
	Why string `json:"why,omitempty"`
}

// leastGap keeps steps that were apart in their order.
const leastGap = Duration(time.Second)

// Pace makes the steps of a draft follow each other speed times as fast as in the incident. What is measured keeps its
// time: no objective changes, and a fault stays until what waits on it can be judged: as long as the longest objective
// may take, and be stable. A fault that was there while something else was judged still is.
func (d *Draft) Pace(speed float64) {
	if d.Incident == nil || speed <= 0 || speed == 1 {
		return
	}
	in := *d.Incident
	in.Speed, in.Paced = speed, nil
	d.Incident = &in
	was := d.Faults
	d.Faults, d.Actions = append([]Fault(nil), d.Faults...), append([]Action(nil), d.Actions...)
	for i := range d.Faults {
		if f := &d.Faults[i]; !slices.Contains(in.Keep, f.Addr) {
			f.When.At = faster(f.When.At, speed)
		}
	}
	for i := range d.Faults {
		f, p := &d.Faults[i], Paced{Addr: was[i].Addr, At: was[i].When.At, Hold: was[i].Hold}
		if slices.Contains(in.Keep, f.Addr) {
			p.Why = "its times are kept"
		} else {
			f.Hold, p.Why = d.shorter(i, was, speed)
		}
		in.Paced = append(in.Paced, p)
	}
	for i := range d.Actions {
		a := &d.Actions[i]
		p := Paced{Addr: a.Addr, At: a.When.At}
		if slices.Contains(in.Keep, a.Addr) {
			p.Why = "its times are kept"
		} else {
			a.When.At = faster(a.When.At, speed)
		}
		in.Paced = append(in.Paced, p)
	}
}

func faster(at Duration, speed float64) Duration {
	if at == 0 {
		return 0
	}
	return min(at, max(leastGap, Duration(time.Duration(float64(at)/speed).Round(10*time.Millisecond))))
}

// shorter is how long a fault stays, and what keeps it from being shorter. It never stays longer than it did.
func (d *Draft) shorter(i int, was []Fault, speed float64) (hold Duration, why string) {
	f := d.Faults[i]
	hold = faster(f.Hold, speed)
	for _, o := range d.Objectives {
		for j, g := range d.Faults {
			need := min(watch(o), overlap(was[i], was[j]))
			if !startsClock(o, j, was) || need <= 0 {
				continue
			}
			if len(f.When.After)+len(g.When.After) == 0 {
				need += g.When.At - f.When.At
			}
			if need = min(need, f.Hold); need > hold {
				hold, why = need, "to see the recovery of "+o.Addr
			}
		}
	}
	return hold, why
}

// overlap is how long a fault was there after another one had begun. Of those that wait for something it is not known when
// they began, so that all of it counts.
func overlap(f, g Fault) Duration {
	if f.Addr == g.Addr || len(f.When.After)+len(g.When.After) > 0 {
		return f.Hold
	}
	return f.When.At + f.Hold - g.When.At
}

// watch is how long a fault must be there for an objective to be judged.
func watch(o Objective) Duration {
	switch {
	case o.RTO != nil:
		return *o.RTO + o.StableFor
	case o.Within != nil:
		return *o.Within
	}
	return 0
}

// startsClock says whether a fault is the one that an objective waits on. One that names none waits on the first to
// start; any of those at the earliest time may be that.
func startsClock(o Objective, i int, faults []Fault) bool {
	f := faults[i]
	if o.Fault != "" {
		return o.Fault == f.Addr
	}
	if len(f.When.After) > 0 {
		return false
	}
	for _, other := range faults {
		if len(other.When.After) == 0 && other.When.At < f.When.At {
			return false
		}
	}
	return true
}
