package lang

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheFirstWordOfAnAllowedSigner(t *testing.T) {
	for line, want := range map[string][2]string{
		"ada@example.org ssh-ed25519 AAAA":   {"ada@example.org", "ssh-ed25519 AAAA"},
		"ada@example.org\t ssh-ed25519 AAAA": {"ada@example.org", "ssh-ed25519 AAAA"},
		`"ada lovelace" ssh-ed25519 AAAA`:    {"ada lovelace", "ssh-ed25519 AAAA"},
		"ada":                                {"ada", ""},
		`"ada`:                               {"ada", ""},
	} {
		who, rest := principals(line)
		require.Equal(t, want, [2]string{who, rest}, line)
	}
	require.True(t, maySign(nil))
	require.True(t, maySign([]string{`namespaces="git,gameday-approval"`, "cert-authority"}))
	require.True(t, maySign([]string{`namespaces="gameday-*"`}))
	require.False(t, maySign([]string{`namespaces="git"`}))
}

func TestMoments(t *testing.T) {
	for s, want := range map[string][2]string{
		"2026-12-15":                {"2026-12-15T00:00:00Z", "2026-12-16T00:00:00Z"},
		"2026-12-15 Europe/Zurich":  {"2026-12-14T23:00:00Z", "2026-12-15T23:00:00Z"},
		"2026-12-15  Europe/Zurich": {"2026-12-14T23:00:00Z", "2026-12-15T23:00:00Z"},
		"2026-12-15T18:00:00+01:00": {"2026-12-15T17:00:00Z", "2026-12-15T17:00:00Z"},
		"2026-10-25 Europe/Zurich":  {"2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"}, // a day of 25 hours
	} {
		for i, end := range []bool{false, true} {
			at, err := moment(s, end)
			require.NoError(t, err, s)
			require.Equal(t, want[i], at.Format(time.RFC3339), s)
		}
	}
	for _, s := range []string{"", "tomorrow", "2026-13-01", "2026-12-15 Mars/Olympus", "2026-12-15 Local", "15.12.2026"} {
		_, err := moment(s, false)
		require.Error(t, err, s)
	}
}
