package replay

import (
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// moments sets what came when beside each other.
func (c *comparer) moments() {
	in := c.out.Incident
	parts := map[string]measure.Part{}
	if c.main != nil && c.main.Split != nil {
		for _, p := range c.main.Split.Parts {
			parts[p.Name] = p
		}
	}
	add := func(name, what string, was *plan.Duration, part string) {
		m := Moment{Name: name, What: what, Incident: from(was)}
		if p, ok := parts[part]; ok && c.known {
			at := max(0, p.To-c.out.T0)
			m.Replay, m.By = &at, p.What
		}
		c.out.Moments = append(c.out.Moments, m)
	}
	add("onset", "users noticed", in.Onset, measure.PartOnset)
	add("detection", "it was known that something is wrong", in.Detected, measure.PartDetection)
	add("decision", "it was known what to do", in.Decided, measure.PartDecision)
	add("mitigation", "something had been done about it", in.Mitigated, measure.PartAction)
	last := Moment{Name: "recovery", What: "all was well again", Incident: from(in.Recovered)}
	if c.main != nil {
		last.Entries = c.main.Entries
		t := *c.main.Time
		last.Replay, last.Censored, last.By = &t.Hi, t.Censored, c.main.Value
		if t.Censored {
			last.Replay = &t.Lo
		}
	}
	c.out.Moments = append(c.out.Moments, last)
}

func from(d *plan.Duration) *time.Duration {
	if d == nil {
		return nil
	}
	t := time.Duration(*d)
	return &t
}

// partNames are the parts of a recovery, by the moment that ends each.
var partNames = [...]struct{ part, moment string }{
	{measure.PartOnset, "onset"}, {measure.PartDetection, "detection"}, {measure.PartDecision, "decision"}, {measure.PartAction, "mitigation"}, {measure.PartConvergence, "recovery"},
}

// parts are the lengths between the moments. A moment that is not known takes its part into the next one; onset and
// detection both count from the fault, as in every report.
func (c *comparer) parts() {
	var was, is time.Duration
	for i, n := range partNames {
		m := c.out.Moments[i]
		p := Part{Name: n.part, Censored: m.Censored}
		p.Incident = stretch(&was, m.Incident, n.part)
		p.Replay = stretch(&is, m.Replay, n.part)
		c.out.Parts = append(c.out.Parts, p)
	}
}

func stretch(at *time.Duration, to *time.Duration, part string) *time.Duration {
	if to == nil {
		return nil
	}
	length := max(0, *to-*at)
	if part != measure.PartOnset {
		*at = max(*at, *to)
	}
	return &length
}

// impact is what customers had of it.
func (c *comparer) impact() {
	in := c.out.Incident
	c.out.Impact.Incident = in.Impact
	if in.Onset != nil && in.Recovered != nil {
		d := time.Duration(max(0, *in.Recovered-*in.Onset))
		c.out.Impact.Lasted = &d
	}
	for _, s := range c.res.SLOs {
		if s.Addr != c.out.SLO {
			continue
		}
		c.out.Impact.Downtime = s.Downtime.String()
		for _, phase := range []string{measure.During, measure.After} {
			c.out.Impact.Bad += s.Phases[phase].Bad
			c.out.Impact.Asked += s.Phases[phase].Bad + s.Phases[phase].Good
		}
	}
}

// credit says whether a part became shorter, of a remedy that is in place.
func (c *comparer) credit(r plan.Remedy) string {
	if !r.InPlace {
		return "not in place in this replay"
	}
	for _, p := range c.out.Parts {
		if p.Name != r.Shortens {
			continue
		}
		switch {
		case p.Incident == nil:
			return fmt.Sprintf("nobody wrote down how long the %s took in the incident", p.Name)
		case p.Replay == nil:
			return fmt.Sprintf("the replay had no %s", p.Name)
		case p.Censored:
			return fmt.Sprintf("the %s did not end in the replay while the fault was there", p.Name)
		case *p.Replay < *p.Incident:
			return fmt.Sprintf("the %s took %s, and %s in the incident: %s shorter", p.Name, short(*p.Replay), short(*p.Incident), short(*p.Incident-*p.Replay))
		}
		return fmt.Sprintf("the %s took %s, and %s in the incident: no shorter", p.Name, short(*p.Replay), short(*p.Incident))
	}
	return ""
}

func short(d time.Duration) string { return measure.Seconds(d) }

func (c *comparer) series() {
	in := c.out.Incident
	if in.Metrics == "" {
		return
	}
	began, err := time.Parse(time.RFC3339, in.Started)
	if err != nil {
		began = time.Unix(0, 0)
	}
	if c.out.Series, err = Metrics(in.Metrics, began); err != nil {
		c.out.Trouble = err.Error()
	}
}
