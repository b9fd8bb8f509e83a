package cli

import (
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

func TestLongOptionsWithOneDash(t *testing.T) {
	root := (&app{}).root()
	for _, c := range []struct{ in, want []string }{
		{[]string{"plan", "-out", "x", "-var", "a=-b", "-h", "."}, []string{"plan", "--out", "x", "--var", "a=-b", "-h", "."}},
		{[]string{"plan", "--out=x", "-var=a=b", "-nothing"}, []string{"plan", "--out=x", "--var=a=b", "-nothing"}},
		{[]string{"fmt", "-", "--", "-out"}, []string{"fmt", "-", "--", "-out"}},
		{[]string{"lab", "up", "-yes", "-dir", "x"}, []string{"lab", "up", "-yes", "-dir", "x"}},
	} {
		require.Equal(t, c.want, normalise(root, c.in))
	}
}

func TestEveryCommandTeaches(t *testing.T) {
	var look func(*cobra.Command)
	look = func(c *cobra.Command) {
		require.NotEmpty(t, c.Short, c.CommandPath())
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look((&app{}).root())
}

func TestWindows(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Zurich")
	require.NoError(t, err)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, 22+day, hour, minute, 0, 0, zone) } // day 0 is a Sunday
	for _, c := range []struct {
		window string
		now    time.Time
		in     bool
	}{
		{"Mon-Fri 09:00-16:00 Europe/Zurich", at(1, 9, 0), true},
		{"Mon-Fri 09:00-16:00 Europe/Zurich", at(1, 16, 0), false},
		{"Mon-Fri 09:00-16:00 Europe/Zurich", at(0, 10, 0), false},
		{"Mon-Fri 09:00-16:00 Europe/Zurich", at(1, 9, 0).UTC(), true},
		{"Mon-Fri 09:00-16:00 UTC", at(1, 9, 30), false},
		{"Sat-Mon 00:00-24:00 Europe/Zurich", at(0, 23, 59), true},
		{"Sat-Mon 00:00-24:00 Europe/Zurich", at(2, 12, 0), false},
		{"Fri 22:00-04:00 Europe/Zurich", at(5, 23, 0), true},
		{"Fri 22:00-04:00 Europe/Zurich", at(6, 3, 59), true},
		{"Fri 22:00-04:00 Europe/Zurich", at(6, 22, 30), false},
		{"Fri 22:00-04:00 Europe/Zurich", at(5, 3, 0), false},
		{"09:00-10:00", time.Date(2026, 1, 1, 9, 30, 0, 0, time.Local), true},
	} {
		in, err := inWindow(c.window, c.now)
		require.NoError(t, err)
		require.Equal(t, c.in, in, "%s at %s", c.window, c.now.Format("Mon 15:04 MST"))
	}
	_, err = inWindow("whenever", at(0, 0, 0))
	require.Error(t, err)
}

func TestNobodyApprovesTheirOwnRun(t *testing.T) {
	l := plan.Limit{Addr: "limit.l", Approvals: 2}
	count := func(l plan.Limit, names ...string) error {
		_, err := approvals(t.Context(), &plan.Plan{}, l, names, nil, "me", time.Now())
		return err
	}
	require.Error(t, count(l, "ada", "me"))
	require.Error(t, count(l, "ada", "ada", " "))
	require.NoError(t, count(l, "ada", "bob"))
	require.NoError(t, count(plan.Limit{}))
}

func TestChangesNameTheBlock(t *testing.T) {
	old := &plan.Plan{Draft: plan.Draft{Faults: []plan.Fault{{Addr: "fault.a.b", Hold: plan.Duration(time.Second)}, {Addr: "fault.a.c"}}}}
	now := &plan.Plan{Seed: 3, Draft: plan.Draft{Faults: []plan.Fault{{Addr: "fault.a.c", Release: "hold"}}}}
	got := changes(old, now)
	require.Len(t, got, 3)
	require.Contains(t, got[0], "fault.a.b: gone, was ")
	require.Equal(t, []string{`fault.a.c release: "" -> "hold"`, "seed: 0 -> 3"}, got[1:])
	require.Empty(t, changes(old, old))
}
