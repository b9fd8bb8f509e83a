package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/internal/replay/mapping"
	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	"github.com/gameday-toolkit/gameday/internal/replay/timeline"
)

// MetricsFile is the name under which the metrics of an incident lie beside its scenario.
const MetricsFile = "incident-metrics.csv"

// MainFile is the name of the scenario's file.
const MainFile = "incident.gameday.hcl"

const stableFor = 10 * time.Second

// Made is a scenario that was made of an incident.
type Made struct {
	Name    string // for its directory
	Source  []byte
	Mapped  []string // what stands for which line
	Assumed []string // what the incident does not say
	Left    []string // what is left to do
}

// Make writes a scenario. The bytes follow from the incident and the mapping alone.
func Make(in *timeline.Incident, m *mapping.Mapping, metrics bool) *Made {
	w := &writer{story: understand(in, m), made: &Made{}, metrics: metrics}
	title := cmp.Or(in.Title.Text, "incident")
	w.made.Name = safehcl.Slug(title, "incident")
	w.head(title)
	w.names2steps()
	w.incident(title)
	w.watch()
	w.variables()
	for _, f := range w.faults {
		w.fault(f)
	}
	for _, a := range w.actions {
		w.action(a)
	}
	w.objectives()
	w.leftOver()
	w.notReplayed()
	w.made.Source = w.Bytes()
	return w.made
}

type writer struct {
	safehcl.File
	*story
	made    *Made
	names   safehcl.Names
	metrics bool
}

func (w *writer) assume(text string) string {
	w.made.Assumed = append(w.made.Assumed, text)
	return "assumed: " + text
}

func (w *writer) head(title string) {
	w.Comment("Made by gameday replay import. A comment at the end of a line names the line of the incident that it came from.")
	w.Comment("What the incident does not say is marked \"assumed\", and what is left to do stands in todo blocks, with which nothing runs.")
	for _, text := range w.in.Warnings {
		w.Comment(text)
	}
	w.Gap()
	w.Open("scenario", []string{w.made.Name}, "")
	w.Text("title", "Replay: "+title, w.cite(w.in.Title.Cite, "the incident has no title"))
	w.Text("hypothesis", w.hypothesis(), w.assume("the hypothesis is that it does less harm than it did"))
	if s := w.in.Service; s.Text != "" {
		w.Text("service", s.Text, s.Cite.String())
	}
	tags, cite := []string{"replay"}, ""
	for _, t := range w.in.Tags {
		if !slices.Contains(tags, t.Text) {
			tags, cite = append(tags, t.Text), t.Cite.String()
		}
	}
	w.Expr("tags", safehcl.Quotes(tags), cite)
	w.Gap()
	w.Text("baseline", "10s", w.assume("10 s of steady state before, and up to 60 s after"))
	w.Text("recovery", "60s", "assumed")
	w.Close()
}

func (w *writer) cite(c timeline.Cite, otherwise string) string {
	if c.File == "" {
		return w.assume(otherwise)
	}
	return c.String()
}

func (w *writer) hypothesis() string {
	if after, ok := w.after(w.recovered); ok {
		return fmt.Sprintf("What took %s on %s does not any more.", span(after), w.began().Format("2 January 2006"))
	}
	return "It does less harm than it did."
}

// span writes a duration without the zeros that Go adds.
func span(d time.Duration) string {
	s := d.Round(time.Millisecond).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// names2steps gives each step its name.
func (w *writer) names2steps() {
	for _, st := range append(slices.Clone(w.faults), w.actions...) {
		st.name = w.names.Of(st.match.Name, "step")
	}
}

func (st *step) address() string {
	if st.match.Action != "" {
		return "action." + st.match.Action + "." + st.name
	}
	return "fault." + st.match.Fault + "." + st.name
}

// incident writes what the replay is measured against.
func (w *writer) incident(title string) {
	w.Gap()
	w.Open("incident", []string{w.made.Name}, "")
	w.Text("title", title, cmp.Or(w.in.Title.Cite.String(), "assumed"))
	w.Text("source", w.sources(), "")
	began := w.startBy
	if w.clock != nil {
		began = w.clock.source()
	}
	w.Text("started", w.began().UTC().Format(time.RFC3339Nano), began+": all times count from here")
	if w.clock != nil {
		w.Expr("fault", w.clock.address(), "")
	}
	for _, m := range []struct {
		name string
		line *line
	}{{"onset", w.onset}, {"detected", w.detected}, {"decided", w.decided}, {"mitigated", w.mitigated}, {"recovered", w.recovered}} {
		if d, ok := w.after(m.line); ok {
			w.Text(m.name, span(d), m.line.source())
		}
	}
	if i := w.in.Impact; i.Text != "" {
		w.Text("impact", i.Text, i.Cite.String())
	}
	if w.metrics {
		w.Expr("metrics", "file("+safehcl.Quote(MetricsFile)+")", "")
	}
	w.keep()
	for _, r := range w.in.Remedies {
		w.remedy(r)
	}
	w.Close()
}

func (w *writer) sources() string {
	var files []string
	add := func(c timeline.Cite) {
		if c.File != "" && !slices.Contains(files, c.File) {
			files = append(files, c.File)
		}
	}
	add(w.in.Title.Cite)
	for _, l := range w.lines {
		add(l.Cite)
	}
	return strings.Join(files, ", ")
}

func (w *writer) keep() {
	var keep []string
	for _, st := range append(slices.Clone(w.faults), w.actions...) {
		if st.match.Keep {
			keep = append(keep, st.address())
		}
	}
	if len(keep) > 0 {
		w.Expr("keep", "["+strings.Join(keep, ", ")+"]", "by the mapping: these take their time")
	}
}

// shortens says which part of a recovery a remedy is for, by its words.
var shortens = []struct{ part, words string }{
	{"detection", "alert monitor detect page dashboard notice"}, {"decision", "runbook on-call escalat decide decision train drill"},
	{"action", "automat script button tool faster"}, {"convergence", "capacity quota health failover redundan replica timeout retry cache zone"},
}

func (w *writer) remedy(r timeline.Words) {
	part, why := partOf(r.Text)
	if why == "" {
		why = w.assume(r.Cite.String() + " says not which part of the recovery it shortens; convergence is taken")
	}
	w.Gap()
	w.Open("remedy", nil, r.Cite.String())
	w.Text("name", w.names.Of(firstWords(r.Text, 4), "remedy"), "")
	w.Text("what", r.Text, "")
	w.Text("shortens", part, why)
	w.Close()
}

func partOf(text string) (part, why string) {
	for _, s := range shortens {
		for _, word := range strings.Fields(s.words) {
			if strings.Contains(strings.ToLower(text), word) {
				return s.part, fmt.Sprintf("assumed, by the word %q", word)
			}
		}
	}
	return "convergence", ""
}

func firstWords(s string, n int) string {
	f := strings.Fields(s)
	return strings.Join(f[:min(n, len(f))], " ")
}

func (w *writer) watch() {
	w.Gap()
	w.Comment("How users are watched: by the mapping, not by the incident.")
	w.Gap()
	w.Verbatim(w.mapping.Watch)
	for _, p := range w.mapping.Use {
		if w.uses(p) {
			w.Gap()
			w.Open("plugin", []string{p}, "")
			w.Close()
		}
	}
}

func (w *writer) uses(plugin string) bool {
	return slices.ContainsFunc(append(slices.Clone(w.faults), w.actions...), func(st *step) bool {
		return strings.HasPrefix(st.match.Fault+st.match.Action, plugin+"_")
	})
}

func (w *writer) value(v cty.Value) string { return safehcl.Value(v) }
