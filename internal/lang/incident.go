package lang

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// incidentKind is what happened once, and is replayed: docs/replay.md.
var incidentKind = &kind{name: "incident", only: "scenario", core: kindSchema{
	attr("title", sdk.String, "one line for people"),
	attr("source", sdk.String, "the file that it was imported from"),
	attr("started", sdk.String, "when it began, as 2026-03-14T09:02:00Z; all other times count from here"),
	attr("onset", sdk.Duration, "when users noticed"),
	attr("detected", sdk.Duration, "when the team noticed"),
	attr("decided", sdk.Duration, "when it was known what to do"),
	attr("mitigated", sdk.Duration, "when users were served again, if not in full"),
	attr("recovered", sdk.Duration, "when all was well again"),
	attr("impact", sdk.String, "what customers had of it"),
	attr("metrics", sdk.String, "what was measured: file(\"metrics.csv\") with time,name,value, or an answer of Prometheus to query_range"),
}.with(sdk.Block{Name: "remedy", Schema: schema(
	required("name", sdk.String, "a word to switch it on by: gameday replay run -remedy NAME"),
	attr("what", sdk.String, "what was done so that it does less harm the next time"),
	sdk.Attribute{Name: "shortens", Type: sdk.String, Required: true, Doc: "the part of the recovery that it is to shorten", OneOf: []string{"onset", "detection", "decision", "action", "convergence"}},
	preset("in_place", sdk.Bool, false, "whether it has been done where the replay runs"),
)}), refs: []refAttr{
	{name: "fault", to: []string{"fault"}, doc: "the fault that stands for its beginning; the first one when not set"},
	{name: "keep", to: []string{"fault", "action"}, list: true, doc: "steps whose times a replay must not compress"},
}}

// todoKind marks what an import could not decide. A scenario that holds one is not valid.
var todoKind = &kind{name: "todo", core: schema(
	required("what", sdk.String, "what is left to do"),
	attr("source", sdk.String, "the file and the line that it came from"),
	attr("remedy", sdk.String, "how to do it"),
)}

// maxMetrics bounds what becomes part of the plan, and so of the journal.
const maxMetrics = 256 << 10

func (b *body) incident() {
	if b.s.ev.draft.Incident != nil {
		b.fail("", "There is more than one incident", "A scenario replays one. Move the other to a scenario of its own.")
		return
	}
	in := &plan.Incident{Name: b.d.name, Title: b.str("title"), Source: b.str("source"), Started: b.str("started"), Fault: b.ref("fault"),
		Onset: b.optional("onset"), Detected: b.optional("detected"), Decided: b.optional("decided"), Mitigated: b.optional("mitigated"), Recovered: b.optional("recovered"),
		Impact: b.str("impact"), Metrics: b.str("metrics"), Keep: b.refs("keep"), Pos: b.pos()}
	if _, err := time.Parse(time.RFC3339, in.Started); in.Started != "" && err != nil {
		b.fail("started", "The value of started is not a moment", "Write it as 2026-03-14T09:02:00Z.")
	}
	if len(in.Metrics) > maxMetrics {
		b.fail("metrics", "There are too many metrics", "They become part of the journal, and may have %d bytes; these have %d. Give fewer series, or a longer step.", maxMetrics, len(in.Metrics))
	}
	b.remedies(in)
	b.s.ev.draft.Incident = in
}

func (b *body) remedies(in *plan.Incident) {
	all, _ := b.core["remedy"].([]any)
	seen := map[string]bool{}
	for i, x := range all {
		m, _ := x.(map[string]any)
		inPlace, _ := m["in_place"].(json.RawMessage)
		r := plan.Remedy{Name: text(m, "name"), What: text(m, "what"), Shortens: text(m, "shortens"), InPlace: string(inPlace) == "true"}
		if seen[r.Name] {
			b.s.ev.add(fail(b.at([]string{"remedy", fmt.Sprint(i), "name"}), fmt.Sprintf("There are two remedies %q", clip(r.Name)), "Give one of them another name."))
		}
		seen[r.Name] = true
		in.Remedies = append(in.Remedies, r)
	}
}

// unfinished reports a block that says that something is left to do.
func (l *loader) unfinished(d *decl) {
	l.prepareBlock(d)
	if d.misshapen {
		return
	}
	what, source, remedy := l.literal(d.block.Body, "what"), l.literal(d.block.Body, "source"), l.literal(d.block.Body, "remedy")
	if source != "" {
		source = " It comes from " + source + "."
	}
	if remedy != "" {
		remedy = " " + remedy
	}
	l.add(fail(&d.rng, "Something is left to do: "+what, "%s", fmt.Sprintf("Nothing runs before it is decided.%s%s Then remove this block.", source, remedy)))
}
