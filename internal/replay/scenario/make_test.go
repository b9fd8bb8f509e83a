package scenario

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/replay/mapping"
	"github.com/gameday-toolkit/gameday/internal/replay/timeline"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const samples = "../timeline/testdata"

func onto(t testing.TB, names ...string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Default(names)
	require.NoError(t, err)
	return m
}

func parsed(t testing.TB, src []byte) *hclsyntax.Body {
	t.Helper()
	f, diags := hclsyntax.ParseConfig(src, "x.hcl", hcl.InitialPos)
	require.False(t, diags.HasErrors(), "%s\n%s", diags, src)
	return f.Body.(*hclsyntax.Body)
}

func made(t *testing.T, m *mapping.Mapping, csv string) (*Made, string) {
	t.Helper()
	in, err := timeline.Read([]timeline.File{{Name: "i.csv", Content: []byte("time,kind,what\n" + csv)}}, timeline.Options{})
	require.NoError(t, err)
	out := Make(in, m, false)
	parsed(t, out.Source)
	return out, string(out.Source)
}

func TestEachSampleBecomesAScenario(t *testing.T) {
	for _, names := range [][]string{{"postmortem.md"}, {"timeline.csv"}, {"pagerduty.json"}, {"opsgenie-incident.json", "opsgenie-timeline.json"}, {"incidentio.json"}, {"statuspage.json"}} {
		t.Run(names[0], func(t *testing.T) {
			var files []timeline.File
			for _, n := range names {
				b, err := os.ReadFile(filepath.Join(samples, n))
				require.NoError(t, err)
				files = append(files, timeline.File{Name: n, Content: b})
			}
			in, err := timeline.Read(files, timeline.Options{})
			require.NoError(t, err)
			out := Make(in, onto(t, "lab"), false)
			parsed(t, out.Source)
			path := filepath.Join("testdata", names[0]+".golden")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(path, out.Source, 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), string(out.Source))
			require.Equal(t, string(out.Source), string(Make(in, onto(t, "lab"), false).Source), "the same bytes each time")
		})
	}
}

// Whatever a line of a scenario says must come from a line of the incident, from the mapping, or be marked as assumed.
func TestNothingIsInventedSilently(t *testing.T) {
	_, src := made(t, onto(t, "lab"), "2026-03-14T09:02:00Z,fault,Power was lost in zone east-b\n9m,detection,alert\n31m,recovery,fine again\n")
	own := src[:strings.Index(src, "# How users are watched")] + src[strings.Index(src, "\nvariable "):]
	for _, line := range strings.Split(own, "\n") {
		attr := strings.Contains(line, " = ") && !strings.HasPrefix(strings.TrimSpace(line), "#")
		told := strings.Contains(line, "# i.csv:") || strings.Contains(line, "assumed") || strings.Contains(line, "by the mapping") || strings.Contains(line, "until the recovery")
		structural := false // refers to another block, or says what kind of value it is
		for _, s := range []string{"targets", "fault ", "rto ", "type ", "description", "source ", "tags "} {
			structural = structural || strings.HasPrefix(strings.TrimSpace(line), s)
		}
		if attr {
			require.True(t, told || structural, "%q comes from nowhere", line)
		}
	}
}

func TestWhatCannotBeMappedIsLeftToDo(t *testing.T) {
	out, src := made(t, onto(t, "lab"), "0s,fault,A NIC firmware hung\n5s,fault,The TLS certificate expired\n9m,mitigation,Somebody kicked the box\n31m,recovery,fine\n")
	require.Len(t, out.Left, 3)
	require.Contains(t, out.Left[0], "i.csv:2: fault: A NIC firmware hung. The mapping has no rule for it")
	require.Contains(t, out.Left[1], "No plugin lets a certificate expire yet")
	require.Contains(t, out.Left[2], "mitigation: Somebody kicked the box")
	require.Equal(t, 3, strings.Count(src, "todo \"line_"))
	require.Contains(t, src, "source = \"i.csv:2\"")
}

func TestTheFaultBeforeUsersNoticedStartsTheClock(t *testing.T) {
	_, src := made(t, onto(t, "lab"), "0s,fault,the quota is used up\n4m,fault,zone east-b was lost\n5m,impact,users see errors\n13m,detection,paged\n30m,mitigation,the quota was raised\n35m,recovery,fine\n50m,fault,region west was lost\n")
	require.Contains(t, src, "fault     = fault.lab_zone_outage.zone")
	require.Regexp(t, `detected +=  *"9m"`, src)
	require.Regexp(t, `recovered +=  *"31m"`, src)
	require.Regexp(t, `(?s)"lab_quota_exhaustion" "quota".*?hold += "30m" # until i.csv:6`, src, "what was done about it ended it")
	require.Regexp(t, `(?s)"lab_zone_outage" "zone".*?hold += "31m10s"`, src, "long enough to judge the recovery")
}

func TestWhatWasWrittenAfterTheDetectionSaysWhatAndNotWhen(t *testing.T) {
	out, src := made(t, onto(t, "lab"), "2026-03-14T09:02:00Z,note,begins\n9m,detection,paged\n20m,fault,root cause: zone east-b\n31m,recovery,fine\n")
	require.Regexp(t, `started\s+= "2026-03-14T09:02:00Z"`, src)
	require.Contains(t, strings.Join(out.Assumed, "\n"), "it says what broke and not when")
}

func TestAnActionIsReplayedToo(t *testing.T) {
	_, src := made(t, onto(t, "lab"), "0s,fault,region east was lost\n9m,detection,paged\n20m,mitigation,failed over to west\n31m,recovery,fine\n")
	require.Regexp(t, `(?s)action "lab_region_failover" "failover" \{[^}]*at += "20m"[^}]*to += "west"[^}]*undo \{[^}]*to = "east"`, src)
}

func TestWhatIsNotSaidIsAskedFor(t *testing.T) {
	out, src := made(t, onto(t, "host"), "0s,fault,postgres crashed\n31m,recovery,fine\n")
	require.Regexp(t, `(?s)variable "crash_names" \{[^}]*description = "The name of the process that died"`, src)
	require.Contains(t, src, "names = [var.crash_names]")
	require.Contains(t, src, `plugin "host" {`)
	require.Contains(t, out.Left[0], "-var crash_names=")
	_, src = made(t, onto(t, "dns"), "0s,fault,DNS answers SERVFAIL for shop.example.com\n31m,recovery,fine\n")
	require.Regexp(t, `names += \["shop.example.com"\]`, src)
	require.Regexp(t, `mode += "servfail"`, src)
}

func TestAHostileIncidentIsOnlyText(t *testing.T) {
	hostile := "\"${file(\"\"/etc/passwd\"\")}\x1b[31m zone <script>alert(1)</script> \nfault \"\"x\"\" \"\"y\"\" {}\u202e\""
	_, src := made(t, onto(t, "lab"), "0s,fault,"+hostile+"\n1m,impact,"+hostile+"\n2m,mitigation,"+hostile+"\n3m,recovery,"+hostile+"\n")
	kinds := map[string]int{}
	for _, b := range parsed(t, []byte(src)).Blocks {
		kinds[b.Type]++
		for _, a := range b.Body.Attributes {
			require.NotContains(t, a.Expr.Range().SliceBytes([]byte(src)), "file(\"/etc")
		}
	}
	require.Equal(t, 1, kinds["fault"])
	require.NotContains(t, src, "\x1b")
	require.NotContains(t, src, "\u202e")
}

func FuzzMake(f *testing.F) {
	for _, n := range []string{"postmortem.md", "pagerduty.json", "statuspage.json", "timeline.csv"} {
		b, err := os.ReadFile(filepath.Join(samples, n))
		require.NoError(f, err)
		f.Add(n, string(b))
	}
	m := onto(f, "lab", "host", "dns", "proxy")
	f.Fuzz(func(t *testing.T, name, content string) {
		if len(content) > 1<<14 {
			return
		}
		in, err := timeline.Read([]timeline.File{{Name: name, Content: []byte(content)}}, timeline.Options{})
		if err != nil {
			return
		}
		out := Make(in, m, len(content)%2 == 0)
		require.True(t, hclsyntax.ValidIdentifier(out.Name), out.Name)
		allowed := []string{"scenario", "incident", "plugin", "probe", "slo", "variable", "target", "fault", "action", "objective", "limit", "todo"}
		for _, b := range parsed(t, out.Source).Blocks {
			require.Contains(t, allowed, b.Type)
			for _, l := range b.Labels {
				require.True(t, hclsyntax.ValidIdentifier(l), l)
			}
		}
	})
}
