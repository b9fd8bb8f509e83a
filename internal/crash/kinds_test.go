package crash

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// moment is a column of a table of real faults.
type moment = struct {
	name string
	crash
}

// moments are the columns. "Injected" is when the fault is there and the journal does not say so yet.
var moments = []moment{
	{"engine, injecting", crash{At: "fault.injecting f", When: after, Engine: true}},
	{"engine, injected", crash{At: "fault.injected f", When: before, Engine: true}},
	{"engine, active", crash{At: "fault.active f", When: after, Engine: true}},
	{"plugin, injected", crash{At: "fault.injected f", When: before, Plugin: true}},
	{"plugin, active", crash{At: "fault.active f", When: after, Plugin: true}},
	{"plugin, reverting", crash{At: "fault.reverting f", When: after, Plugin: true}},
	{"both, injected", crash{At: "fault.injected f", When: before, Engine: true, Plugin: true}},
	{"both, active", crash{At: "fault.active f", When: after, Engine: true, Plugin: true}},
	{"both, reverting", crash{At: "fault.reverting f", When: after, Engine: true, Plugin: true}},
	{"power, active", crash{At: "fault.active f", When: power, Engine: true, Plugin: true}},
}

// busy is how many worlds there are at a time.
var busy = make(chan struct{}, 3)

// eachMoment makes a row of cells, each in a world of its own, beside others.
func eachMoment(t *testing.T, table *table, row string, cell func(*cell, crash) string) {
	eachOf(t, moments, table, row, cell)
}

func eachOf(t *testing.T, some []moment, table *table, row string, cell func(*cell, crash) string) {
	for _, m := range some {
		table.expect(row, m.name)
		t.Run(row+"/"+m.name, func(t *testing.T) {
			t.Parallel()
			busy <- struct{}{}
			defer func() { <-busy }()
			table.set(row, m.name, failed)
			table.set(row, m.name, cell(newCell(t), m.crash))
		})
	}
}

// clock is whose clock ends a fault when every process of ours is dead.
type clock string

const (
	noClock     clock = ""
	kernelClock clock = "kernel" // the plugin's table, file or note is left, for recover
	serverClock clock = "server" // nothing is left
)

// killedAt is one cell of a table of real faults.
func (c *cell) killedAt(how crash, who clock) string {
	code, said := c.do(how, c.runArgs()...)
	require.Equal(c, how.Engine, code == killed, "exit code %d: %s", code, said)
	require.FileExists(c, filepath.Join(c.dir, hitFile), said)
	if how.When == power {
		c.losePower()
	}
	c.kernel = who != noClock && how.Plugin && how.Engine
	what := c.outcome(code, !how.Plugin)
	if how.At == "fault.active f" && how.Engine { // or nothing was tested
		last := map[clock]healed{noClock: byRecover, kernelClock: byRecover, serverClock: byNobody}[who]
		if !how.Plugin {
			last = byLease
		}
		require.Equal(c, string(last), what)
	}
	if c.kernel {
		return string(who) + ", " + what
	}
	return what
}

// useBinary has this plugin, under a name of the cell's own: the kernel knows by it whose process one is.
func (c *cell) useBinary(path string) {
	c.program = filepath.Join(c.plugins, filepath.Base(path))
	require.NoError(c, os.Link(path, c.program))
}
