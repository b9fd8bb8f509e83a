package reports

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/replay"
)

// replayed is the zone loss, as the replay of an incident of 31 minutes.
func replayed() *Model {
	m := passed()
	in := &plan.Incident{Name: "az", Title: "Zone <b>lost</b>", Source: "incident.md", Started: "2026-03-14T09:02:00Z", Impact: "`one` in | four\x1b[31m", Speed: 10,
		Remedies: []plan.Remedy{{Name: "health_checks", What: "Faster health checks", Shortens: "detection", InPlace: true}}}
	m.Replay = &replay.Comparison{Incident: in, Verdict: replay.WouldNotRecur, Why: "recovered in 6.63 s", Entries: []uint64{42, 44}, Fault: "fault.lab_zone_outage.lose_zone",
		T0: 11600 * ms, SLO: "slo.checkout",
		Moments: []replay.Moment{{Name: "onset", What: "users noticed", Incident: at(time.Minute), Replay: at(440 * ms), By: "the first bad answer"},
			{Name: "detection", What: "it was known", Incident: at(9 * time.Minute), Replay: at(1800 * ms)}, {Name: "decision", What: "what to do"},
			{Name: "mitigation", What: "done", Incident: at(27 * time.Minute)}, {Name: "recovery", What: "well again", Incident: at(31 * time.Minute), Replay: at(6630 * ms)}},
		Parts:    []replay.Part{{Name: "detection", Incident: at(9 * time.Minute), Replay: at(1800 * ms)}, {Name: "convergence", Incident: at(4 * time.Minute), Replay: at(6630 * ms), Censored: true}},
		Impact:   replay.Impact{Incident: in.Impact, Lasted: at(30 * time.Minute), Downtime: "6.21 s (6.17 to 6.21)", Bad: 289, Asked: 1030},
		Remedies: []replay.Credit{{Remedy: in.Remedies[0], Said: "the detection took 1.8 s"}},
		Series:   []replay.Series{{Name: "errors", Points: []replay.Value{{At: -time.Minute}, {}, {At: time.Minute, Value: 40}, {At: 31 * time.Minute}}}},
	}
	return cleaned(m)
}

func TestTheIncidentStandsBesideItsReplay(t *testing.T) {
	page := render(t, Renderer{Name: "report.html", Render: HTML}, replayed())
	for _, want := range []string{`id="replay"`, "Would not recur", "10 times as fast", "9 min 00 s", "8 min 58 s less", "289 of 1,030 requests were bad", "health_checks",
		`class="series s0"`, "incident: errors", `href="#e42"`, "each on its own scale", "not known"} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, page, "<b>lost</b>")
	require.NotContains(t, page, "\x1b")
	require.NotContains(t, page, " style=", "the policy of the page allows none")

	md := render(t, Renderer{Name: "report.md", Render: Markdown}, replayed())
	require.Contains(t, md, "## Incident against replay: Would not recur")
	require.Contains(t, md, "| detection | 9 min 00 s | 1.80 s | 8 min 58 s less |")
	require.Contains(t, md, "&lt;b&gt;")
	require.Equal(t, page, render(t, Renderer{Name: "report.html", Render: HTML}, replayed()), "the same bytes each time")
}

func TestAReportWithoutAnIncidentSaysNothingOfIt(t *testing.T) {
	for _, r := range []Renderer{{Name: "report.html", Render: HTML}, {Name: "report.md", Render: Markdown}, {Name: "report.json", Render: JSON}} {
		require.NotContains(t, strings.ToLower(render(t, r, passed())), "replay", r.Name)
	}
}

func TestTheJSONOfAReplayMeetsTheSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(render(t, Renderer{Name: "report.json", Render: JSON}, replayed()))))
	require.NoError(t, err)
	require.NoError(t, compiled(t).Validate(doc))
}

func TestAnIncidentOfWhichLittleIsKnownIsDrawnToo(t *testing.T) {
	m := replayed()
	m.Replay.Moments, m.Replay.Series, m.Replay.SLO, m.Replay.Parts = []replay.Moment{}, nil, "", []replay.Part{}
	require.Contains(t, render(t, Renderer{Name: "report.html", Render: HTML}, m), "on one scale of time")
}
