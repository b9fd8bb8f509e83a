package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

// columns are who is killed at an entry, and when.
var columns = []struct {
	name string
	crash
}{
	{"engine, before", crash{When: before, Engine: true}},
	{"engine, in the middle", crash{When: torn, Engine: true}},
	{"engine, after", crash{When: after, Engine: true}},
	{"plugin", crash{When: after, Plugin: true}},
	{"both", crash{When: after, Engine: true, Plugin: true}},
	{"power", crash{When: power, Engine: true, Plugin: true}},
}

// slice is what is tested where there is no time for the whole matrix.
var slice = map[string][]string{
	"run.started":           {"engine, before"},
	"fault.prepared first":  {"engine, in the middle", "plugin"},
	"fault.injecting first": {"engine, after"},
	"fault.active second":   {"both", "plugin"},
	"action.prepared note":  {"power"},
	"fault.reverting first": {"engine, after"},
	"run.ended":             {"both"},
}

// entries are the labels of an undisturbed run, in order, each once.
func entries(t *testing.T) (out []string) {
	c := newCell(t)
	code, said := c.do(crash{}, c.runArgs()...)
	require.Contains(t, []int{0, 3}, code, said) // a busy machine starves the prober
	var l labels
	_, err := journal.Read(filepath.Join(c.run(), "journal"), func(e journal.Entry) error {
		if name := l.of(e.Kind, e.Body); !slices.Contains(out, name) {
			out = append(out, name)
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, byRun, c.prove(code, true))
	return out
}

func TestEveryEntry(t *testing.T) {
	rows := entries(t)
	table := results.table("entries", names(columns)...)
	gate := make(chan struct{}, 2)
	for _, row := range rows {
		for _, col := range columns {
			if !*full && !slices.Contains(slice[row], col.name) {
				continue
			}
			table.expect(row, col.name)
			t.Run(row+"/"+col.name, func(t *testing.T) {
				t.Parallel()
				gate <- struct{}{}
				defer func() { <-gate }()
				table.set(row, col.name, failed)
				table.set(row, col.name, killAt(t, row, col.crash))
			})
		}
	}
}

func names(cols []struct {
	name string
	crash
}) (out []string) {
	for _, c := range cols {
		out = append(out, c.name)
	}
	return out
}

// killAt is one cell of the matrix.
func killAt(t *testing.T, entry string, how crash) string {
	c := newCell(t)
	how.At = entry
	code, said := c.do(how, c.runArgs()...)
	require.Equal(t, how.Engine, code == killed, "exit code %d: %s", code, said)
	require.FileExists(t, filepath.Join(c.dir, hitFile), said)
	if how.When == power {
		c.losePower()
	}
	who := c.prove(code, !how.Plugin)
	if code != killed {
		return fmt.Sprintf("%s, exit %d", who, code)
	}
	return string(who)
}

// losePower takes the content of all files that nobody has synced, as a file system may do.
func (c *cell) losePower() {
	run := c.run()
	require.NoError(c, os.WriteFile(filepath.Join(run, "plugins.log"), nil, 0o600))
	require.NoError(c, os.WriteFile(filepath.Join(run, "plan.json"), nil, 0o600))
	require.NoError(c, os.RemoveAll(filepath.Join(run, "plugins")))
	require.NoError(c, os.RemoveAll(filepath.Join(c.dir, "tmp"))) // which often is in memory
	require.NoError(c, os.Mkdir(filepath.Join(c.dir, "tmp"), 0o755))
}
