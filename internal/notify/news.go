package notify

import "time"

// Moment is when something is told.
type Moment string

// The moments of a run.
const (
	Start Moment = "start"
	Abort Moment = "abort"
	End   Moment = "end"
)

// Moments are the names that a block may list in `on`.
func Moments() []string { return []string{string(Start), string(Abort), string(End)} }

// News is what is told. It is also the body that a webhook gets.
type News struct {
	Moment      Moment    `json:"moment"`
	At          time.Time `json:"at"`
	Run         string    `json:"run"`
	Scenario    string    `json:"scenario"`
	Title       string    `json:"title,omitempty"`
	Service     string    `json:"service,omitempty"`
	Owner       string    `json:"owner,omitempty"`
	Environment string    `json:"environment"`
	User        string    `json:"user,omitempty"` // who started the run
	Host        string    `json:"host,omitempty"`

	// Reason is why the run was aborted.
	Reason string `json:"reason,omitempty"`

	// What follows is known at the end.
	Headline    string      `json:"headline,omitempty"` // passed, failed, inconclusive, aborted, leaked, ...
	Why         string      `json:"why,omitempty"`
	Exit        *int        `json:"exit,omitempty"` // what gameday ended with
	Objectives  []Objective `json:"objectives,omitempty"`
	Findings    []string    `json:"findings,omitempty"`
	Outstanding []string    `json:"outstanding,omitempty"` // what is not proven to be put back
	Report      string      `json:"report,omitempty"`      // the path of the report, on Host
	Spans       []Span      `json:"spans,omitempty"`
}

// Objective is one line of the result.
type Objective struct {
	Name     string `json:"name"`
	Verdict  string `json:"verdict"`
	Limit    string `json:"limit"`
	Measured string `json:"measured"`
	Why      string `json:"why"`
}

// Span is something that lasted: a fault from its injection to the proof that it is gone, an action.
type Span struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"` // phase, fault or action
	Type    string    `json:"type,omitempty"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Targets []string  `json:"targets,omitempty"`
	Err     string    `json:"err,omitempty"`
}

// span is the run itself.
func (n News) span() Span {
	s := Span{Name: n.Scenario, Kind: "run", From: n.At, To: n.At}
	for _, p := range n.Spans {
		if p.From.Before(s.From) {
			s.From = p.From
		}
	}
	return s
}

// headline is one line for people.
func (n News) headline() string {
	title := n.Scenario
	if n.Title != "" {
		title += ": " + n.Title
	}
	switch n.Moment {
	case Start:
		return "Game day begins in " + n.Environment + ": " + title
	case Abort:
		return "Game day aborted in " + n.Environment + ": " + title
	}
	return "Game day " + n.Headline + " in " + n.Environment + ": " + title
}

// detail is what more there is to say in a sentence or two.
func (n News) detail() string {
	switch n.Moment {
	case Start:
		return "Faults will be injected. Stop it with: gameday halt"
	case Abort:
		return "Everything is being put back. " + n.Reason
	}
	return n.Why
}
