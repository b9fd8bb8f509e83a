package lang

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

func checkText(t *testing.T, text string) (*plan.Draft, string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.gameday.hcl"), []byte(text), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "metrics.csv"), []byte("time,name,value\n0s,x,1\n"), 0o600))
	m, diags := Check(dir, Options{Catalog: testCatalog()})
	d, _ := m.Draft(nil)
	return d, render(m, diags)
}

func TestAnIncidentBecomesPartOfThePlan(t *testing.T) {
	d, mistakes := checkText(t, `scenario "s" {}
incident "az" {
  started   = "2026-03-14T09:02:00Z"
  detected  = "9m"
  recovered = "31m"
  metrics   = file("metrics.csv")
  remedy {
    name     = "capacity"
    shortens = "convergence"
    in_place = true
  }
}
`)
	require.Empty(t, mistakes)
	require.Equal(t, 9*time.Minute, time.Duration(*d.Incident.Detected))
	require.Nil(t, d.Incident.Onset, "what nobody wrote down is not zero")
	require.Equal(t, []plan.Remedy{{Name: "capacity", Shortens: "convergence", InPlace: true}}, d.Incident.Remedies)
	require.Contains(t, d.Incident.Metrics, "0s,x,1")
}

func TestMistakesInAnIncident(t *testing.T) {
	_, mistakes := checkText(t, `scenario "s" {}
incident "a" {
  started = "yesterday"
  remedy {
    name     = "x"
    shortens = "everything"
  }
}
incident "b" {}
`)
	require.Contains(t, mistakes, "The value of started is not a moment")
	require.Contains(t, mistakes, `"everything" is not possible for "shortens"`)
	require.Contains(t, mistakes, "There is more than one incident")
}

func TestNothingRunsWhileSomethingIsLeftToDo(t *testing.T) {
	_, mistakes := checkText(t, `scenario "s" {}
todo "line_14" {
  what   = "the NIC firmware hung"
  source = "incident.md:14"
  remedy = "Write a fault that does this."
}
`)
	require.Contains(t, mistakes, "main.gameday.hcl line 2")
	mistakes = strings.Join(strings.Fields(mistakes), " ")
	require.Contains(t, mistakes, "Something is left to do: the NIC firmware hung")
	require.Contains(t, mistakes, "incident.md:14")
	require.Contains(t, mistakes, "Write a fault that does this.")
}
