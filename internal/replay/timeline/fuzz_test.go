package timeline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fuzzed reads what a stranger might send under a name: an incident or an error, and every citation lies in the file.
func fuzzed(f *testing.F, format, name string, seeds ...string) {
	for _, s := range seeds {
		f.Add(string(sample(f, s)[0].Content))
	}
	f.Fuzz(func(t *testing.T, content string) {
		if len(content) > 1<<16 {
			return
		}
		in, err := Read([]File{{name, []byte(content)}}, Options{Format: format})
		if err != nil {
			return
		}
		lines := strings.Count(content, "\n") + strings.Count(content, "\r") + strings.Count(content, "\u0085") + strings.Count(content, "\u2028") + strings.Count(content, "\u2029") + 2
		for i, e := range in.Entries {
			require.True(t, e.Cite.Line >= 1 && e.Cite.Line <= lines, "%s of %d lines", e.Cite, lines)
			require.False(t, e.At.IsZero())
			require.True(t, i == 0 || !e.At.Before(in.Entries[i-1].At))
		}
		for _, w := range append(in.Tags, in.Remedies...) {
			require.LessOrEqual(t, w.Cite.Line, lines)
		}
	})
}

func FuzzPagerDuty(f *testing.F)  { fuzzed(f, "pagerduty", "a.json", "pagerduty.json") }
func FuzzIncidentIO(f *testing.F) { fuzzed(f, "incident.io", "a.json", "incidentio.json") }
func FuzzStatuspage(f *testing.F) { fuzzed(f, "statuspage", "a.json", "statuspage.json") }
func FuzzMarkdown(f *testing.F)   { fuzzed(f, "markdown", "a.md", "postmortem.md") }
func FuzzCSV(f *testing.F)        { fuzzed(f, "csv", "a.csv", "timeline.csv") }
func FuzzOpsgenie(f *testing.F) {
	fuzzed(f, "opsgenie", "a.json", "opsgenie-incident.json", "opsgenie-timeline.json", "opsgenie-logs.json", "opsgenie-alert.json")
}
func FuzzAnything(f *testing.F) {
	fuzzed(f, "", "a.json", "pagerduty.json", "statuspage.json", "incidentio.json", "opsgenie-alert.json", "postmortem.md", "timeline.csv")
}
