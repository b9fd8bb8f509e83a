package timeline

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func sample(t testing.TB, names ...string) (files []File) {
	t.Helper()
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join("testdata", n))
		require.NoError(t, err)
		files = append(files, File{n, b})
	}
	return files
}

// told is an incident in lines: what a reader of the files would expect to be found.
func told(in *Incident) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %s", in.Format, in.Title.Text, in.Title.Cite)
	if !in.Start.At.IsZero() {
		fmt.Fprintf(&b, "; from %s (%s)", in.Start.At.Format(time.RFC3339), in.Start.Cite)
	}
	if !in.End.At.IsZero() {
		fmt.Fprintf(&b, "; to %s (%s)", in.End.At.Format(time.RFC3339), in.End.Cite)
	}
	b.WriteByte('\n')
	for _, w := range append([]Words{in.Service, in.Impact}, append(in.Tags, in.Remedies...)...) {
		if w.Text != "" {
			fmt.Fprintf(&b, "+ %s (%s)\n", w.Text, w.Cite)
		}
	}
	for _, e := range in.Entries {
		fmt.Fprintf(&b, "%s %-12s %s (%s)\n", e.At.Format("15:04:05"), e.Kind, e.What, e.Cite)
	}
	return b.String()
}

func TestEachToolsFilesAreUnderstood(t *testing.T) {
	for _, c := range [][]string{
		{"postmortem.md"}, {"timeline.csv"}, {"pagerduty.json"}, {"opsgenie-incident.json", "opsgenie-timeline.json"}, {"opsgenie-alert.json", "opsgenie-logs.json"},
		{"incidentio.json"}, {"statuspage.json"},
	} {
		t.Run(c[0], func(t *testing.T) {
			in, err := Read(sample(t, c...), Options{})
			require.NoError(t, err)
			path := filepath.Join("testdata", c[0]+".told")
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(told(in)), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), told(in))
		})
	}
}

func TestEachCitationIsTrue(t *testing.T) {
	in, err := Read(sample(t, "postmortem.md"), Options{})
	require.NoError(t, err)
	lines := strings.Split(string(sample(t, "postmortem.md")[0].Content), "\n")
	for _, e := range in.Entries {
		require.Contains(t, lines[e.Cite.Line-1], e.At.Format("15:04"))
	}
	require.Contains(t, lines[in.Start.Cite.Line-1], "start:")
	require.Contains(t, lines[in.Tags[0].Cite.Line-1], "tags:")
	require.Contains(t, lines[in.Remedies[0].Cite.Line-1], in.Remedies[0].Text)
}

func read(name, content string, o Options) (*Incident, error) {
	return Read([]File{{name, []byte(content)}}, o)
}

func TestMistakesNameTheLineAndWhatToDo(t *testing.T) {
	for name, c := range map[string]struct{ file, content, want string }{
		"empty":             {"a.md", " \n", "a.md: the file is empty"},
		"binary":            {"a.csv", "time,\x00", "zero bytes"},
		"no header":         {"a.csv", "0s,fault,x\n", "a.csv:1: the first line has to name the columns: time,kind,what"},
		"no such kind":      {"a.csv", "time,kind,what\n0s,disaster,x\n", `a.csv:2: there is no kind "disaster"; there are fault, impact`},
		"no such time":      {"a.csv", "time,kind,what\n0s,fault,x\nsoon,note,y\n", `a.csv:3: "soon" is not a time; write`},
		"a clock by itself": {"a.csv", "time,kind,what\n09:02,fault,x\n", "nothing before it has a date"},
		"a zone by name":    {"a.csv", "time,kind,what\n2026-03-14 09:02 CET,fault,x\n", "the zone CET is not known here; write its offset"},
		"a broken quote":    {"a.csv", "time,kind,what\n0s,fault,\"x\n", "this is not CSV"},
		"year":              {"a.csv", "time,kind,what\n0001-01-01T00:00:00Z,fault,x\n", "is not in a year"},
		"cut json":          {"a.json", "{\n\"incident\": {\"incident_number\": 1,", "a.json:2: the file ends in the middle"},
		"other json":        {"a.json", "{\"hello\": 1}", "this JSON is of none of the tools that are known (pagerduty, incident.io, statuspage, opsgenie)"},
		"no table":          {"a.md", "# It broke\n\nBadly.\n", "there is no timeline in it: a table"},
		"open front matter": {"a.md", "---\ntitle: x\n", "a.md:1: the front matter has no end"},
		"bad front matter":  {"a.md", "---\na: [\n---\n", "this is not YAML"},
		"bad start":         {"a.md", "---\ntitle: x\nstart: noon\n---\n", `a.md:3: "noon" is not a time`},
		"bad time of json":  {"a.json", "{\"incident\": {\"incident_number\": 1,\n\"created_at\": \"x\"}}", "a.json:2: \"x\" is not a time"},
		"no time at all":    {"a.json", `{"incident": {"incident_number": 1}}`, "there is no time in it"},
		"several":           {"a.json", `{"incidents": [{"incident_number": 1, "id": "A"}, {"id": "B"}]}`, `it has 2 incidents; choose one with -id: "A", "B"`},
		"too many":          {"a.csv", "time,kind,what\n" + strings.Repeat("0s,note,x\n", maxEntries+1), "there are more than 1000 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(c.file, c.content, Options{})
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := read("a.json", `{}`, Options{Format: "nagios"})
	require.ErrorContains(t, err, `there is no format "nagios"`)
}

func TestOneOfSeveralIncidents(t *testing.T) {
	in, err := read("a.json", `{"incidents": [{"incident_number": 1, "id": "A"}, {"id": "B", "title": "the one", "created_at": "2026-03-14T09:11:00Z"}]}`, Options{ID: "B"})
	require.NoError(t, err)
	require.Equal(t, "the one", in.Title.Text)
}

func TestTimesOfDayGoOverMidnight(t *testing.T) {
	in, err := read("a.csv", "time,kind,what\n2026-03-14 23:50,fault,x\n00:10,note,y\n+31m,recovery,z\n", Options{})
	require.NoError(t, err)
	require.Equal(t, 20*time.Minute, in.Entries[1].At.Sub(in.Entries[0].At))
	require.Equal(t, 31*time.Minute, in.Entries[2].At.Sub(in.Entries[0].At))
}

func TestCodeIsNoTimeline(t *testing.T) {
	in, err := read("a.md", "# x\n\n| when | event |\n| --- | --- |\n| 2026-03-14 09:02 | a \\| b |\n\n```\n| when | event |\n| --- | --- |\n| 2026-03-14 09:03 | no |\n```\n", Options{})
	require.NoError(t, err)
	require.Len(t, in.Entries, 1)
	require.Equal(t, "a | b", in.Entries[0].What)
	require.Contains(t, in.Warnings[0], "were taken for UTC")
}
