package archive

import "fmt"

// Difference says how a figure stands to the same one of an earlier run.
type Difference string

// The differences. Better and Worse mean that the intervals do not overlap: the truth has changed, whatever the error.
const (
	Same   Difference = "same" // as far as the measurements can tell
	Better Difference = "better"
	Worse  Difference = "worse"
	Added  Difference = "added" // the earlier run did not measure it
	Gone   Difference = "gone"  // the later run did not measure it
)

// Change is one figure of two runs.
type Change struct {
	Name string     `json:"name"`
	Kind string     `json:"kind"`
	Old  *Figure    `json:"old,omitempty"`
	New  *Figure    `json:"new,omitempty"`
	Is   Difference `json:"is"`
}

// Compare lines up the figures of two runs, in the order of the later one. tolerance, in percent of the earlier figure, is
// how much more than its error may be put down to the system's own ups and downs.
func Compare(old, now *Run, tolerance float64) []Change {
	out := []Change{}
	for i := range now.Figures {
		f := &now.Figures[i]
		c := Change{Name: f.Name, Kind: f.Kind, New: f, Old: old.Figure(f.Name, f.Kind), Is: Added}
		if c.Old != nil {
			c.Is = f.against(*c.Old, tolerance)
		}
		out = append(out, c)
	}
	for i := range old.Figures {
		if f := &old.Figures[i]; now.Figure(f.Name, f.Kind) == nil {
			out = append(out, Change{Name: f.Name, Kind: f.Kind, Old: f, Is: Gone})
		}
	}
	return out
}

// against: of a censored figure, only the lower end is known, so that nothing can be said to be worse than it.
func (f Figure) against(old Figure, tolerance float64) Difference {
	more := 1 + tolerance/100
	switch {
	case !old.Censored && f.Lo > old.Hi*more:
		return Worse
	case !f.Censored && f.Hi*more < old.Lo:
		return Better
	}
	return Same
}

// Regressions are the changes that somebody has to look at: objectives that became worse. A censored figure that comes
// after one that was not is worse when its lower bound is.
func Regressions(changes []Change) (out []Change) {
	for _, c := range changes {
		if c.Is == Worse && c.New.IsObjective() {
			out = append(out, c)
		}
	}
	return out
}

func (c Change) String() string {
	switch c.Is {
	case Added:
		return fmt.Sprintf("%s of %s: %s, and not measured before", c.Kind, c.Name, c.New.Value)
	case Gone:
		return fmt.Sprintf("%s of %s: not measured, and %s before", c.Kind, c.Name, c.Old.Value)
	case Same:
		return fmt.Sprintf("%s of %s: %s, and %s before: no difference larger than the error", c.Kind, c.Name, c.New.Value, c.Old.Value)
	}
	return fmt.Sprintf("%s of %s: %s, and %s before", c.Kind, c.Name, c.New.Value, c.Old.Value)
}
