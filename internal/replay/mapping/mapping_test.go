package mapping

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/replay/timeline"
)

func TestTheDefaultsKnowTheCommonWords(t *testing.T) {
	m, err := Default([]string{"lab"})
	require.NoError(t, err)
	for text, fault := range map[string]string{
		"Power was lost in availability zone east-b": "lab_zone_outage", "an AZ went away": "lab_zone_outage", "LAZY writes": "", "the amazing crash": "",
		"DNS answers SERVFAIL": "lab_dns_failure", "quota used up": "lab_quota_exhaustion", "We were throttled": "todo", "throttling": "todo",
		"the certificate expired": "todo", "connection pool exhausted": "todo", "region east is gone": "lab_region_outage", "network partition": "lab_zone_isolation",
	} {
		got := m.Fault(text)
		switch {
		case fault == "":
			require.Nil(t, got, text)
		case fault == "todo":
			require.NotEmpty(t, got.Todo, text)
		default:
			require.NotNil(t, got, text)
			require.Equal(t, fault, got.Rule.Fault, text)
		}
	}
	require.Equal(t, "lab_region_failover", m.Action("Failover to west").Rule.Action)
	require.Equal(t, []string{"region"}, m.Fault("the quota of region east").Also, "what else could have been meant is told")
}

func TestTheDefaultsAreWhole(t *testing.T) {
	for _, name := range Onto() {
		m, err := Default([]string{name})
		require.NoError(t, err)
		require.NotEmpty(t, m.Watch, name)
		require.NotEmpty(t, m.SLO)
		require.NotEmpty(t, m.Rules)
		require.NotEmpty(t, m.Kinds)
	}
	_, err := Default([]string{"mainframe"})
	require.ErrorContains(t, err, `there is no mapping onto "mainframe"; there are lab, host, dns, proxy`)
}

func TestTheKindOfALine(t *testing.T) {
	m, err := Default([]string{"lab"})
	require.NoError(t, err)
	for text, want := range map[string]timeline.Kind{
		"Root cause: a bad switch": timeline.Fault, "We were paged": timeline.Detection, "Incident resolved": timeline.Recovery, "Decided to restart": timeline.Decision,
		"Alert acknowledged via web": timeline.Detection, "We rolled back": timeline.Mitigation, "coffee": timeline.Note, "Alert created via API": timeline.Note,
	} {
		got, _ := m.KindOf(text)
		require.Equal(t, want, got, text)
	}
}

func TestOnesOwnRulesComeFirst(t *testing.T) {
	own, diags := Load("own.hcl", []byte(`rule "mine" {
  words = ["zone"]
  fault = "my_fault"
  set   = { a = 1 }
}
alert = "alert.webhook.pager"
watch = "# mine"
`))
	require.False(t, diags.HasErrors(), diags.Error())
	m, err := Default([]string{"lab"}, own)
	require.NoError(t, err)
	require.Equal(t, "my_fault", m.Fault("a zone").Rule.Fault)
	require.Equal(t, "# mine", m.Watch)
	require.Equal(t, "alert.webhook.pager", m.Alert)
}

func TestMistakesInAMapping(t *testing.T) {
	for src, want := range map[string]string{
		`rule "x" { words = ["a"] }`:                          `The rule "x" needs one of fault, action and todo`,
		"rule \"x\" {\n words = [\"a\"]\n fault = \"a b\"\n}": `"a b" in the rule "x" is not a name`,
		`kind "x" { words = ["a"] }`:                          `There is no kind "x"`,
		`rule "x" {`:                                          "own.hcl",
		`wrong = 1`:                                           "Unsupported argument",
		"rule \"x\" {\n words = [file(\"/etc/passwd\")]\n fault = \"f\"\n}":                                        "own.hcl:2",
		"rule \"x\" {\n words = [\"a\"]\n fault = \"f\"\n find \"n\" {\n in = \"target\"\n pattern = \"(\"\n }\n}": "is no regular expression",
		"rule \"x\" {\n words = [\"a\"]\n fault = \"f\"\n find \"n\" {\n in = \"moon\"\n }\n}":                     `has to be in = "target"`,
	} {
		_, diags := Load("own.hcl", []byte(src))
		require.ErrorContains(t, diags, want)
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range append(Onto(), "kinds", "service") {
		b, err := defaults.ReadFile("defaults/" + name + ".hcl")
		require.NoError(f, err)
		f.Add(string(b), "a zone with DNS of east-a at 10 %")
	}
	f.Fuzz(func(_ *testing.T, src, line string) {
		if len(src) > 1<<13 || len(line) > 1<<10 {
			return
		}
		m, diags := Load("x.hcl", []byte(src))
		if diags.HasErrors() {
			return
		}
		m.KindOf(line)
		for _, got := range []*Match{m.Fault(line), m.Action(line)} {
			if got == nil {
				continue
			}
			for i := range got.Find {
				got.Find[i].Value(line)
			}
		}
	})
}
