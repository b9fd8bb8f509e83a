package timeline

import (
	"fmt"
	"time"
)

// Kind says what an entry of a timeline is about.
type Kind string

// The kinds. Unknown is of an entry whose source has no word for it: a mapping decides by what it says.
const (
	Unknown      Kind = ""
	Fault        Kind = "fault"        // something broke
	Impact       Kind = "impact"       // users noticed
	Detection    Kind = "detection"    // the team noticed
	Acknowledged Kind = "acknowledged" // somebody looks at it
	Decision     Kind = "decision"     // it is known what to do
	Mitigation   Kind = "mitigation"   // something is done about it, or has helped
	Recovery     Kind = "recovery"     // all is well again
	Note         Kind = "note"         // anything else
)

// Kinds are all kinds that a file may name.
func Kinds() []Kind {
	return []Kind{Fault, Impact, Detection, Acknowledged, Decision, Mitigation, Recovery, Note}
}

// Cite is the place that something was read from.
type Cite struct {
	File string
	Line int
}

func (c Cite) String() string {
	if c.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", c.File, c.Line)
}

// Words are a text with its place.
type Words struct {
	Text string
	Cite Cite
}

// Moment is a time with its place. It is zero where nobody wrote it down.
type Moment struct {
	At   time.Time
	Cite Cite
}

// Entry is one line of the timeline.
type Entry struct {
	Moment
	Kind Kind
	What string
}

// Incident is what one or several files say about one incident. Entries are in the order of time.
type Incident struct {
	Format   string
	Title    Words
	Start    Moment
	End      Moment
	Service  Words
	Impact   Words
	Tags     []Words
	Entries  []Entry
	Remedies []Words
	// Warnings are what could not be believed, or was left out.
	Warnings []string
}

// Bounds of an incident: what is beyond them is no timeline.
const (
	maxEntries = 1000
	maxTags    = 50
)
