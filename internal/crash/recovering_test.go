package crash

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/journal"
)

// arrangeRecovery has a recovery die at one of its own entries. It is told of each when the entry is synced, so that is the moment to
// die after it; for the others, what was written since the entry before is cut off.
func (c crash) arrangeRecovery(r *wiring.Recovery) {
	if c.Recover == "" {
		return
	}
	path := r.Dir.Journal()
	size := func() int64 {
		info, err := os.Stat(path)
		must(err)
		return info.Size()
	}
	from, say := size(), r.Say
	r.Say = func(kind journal.Kind, b journal.StepBody) {
		if string(kind)+" "+b.Addr[strings.LastIndexByte(b.Addr, '.')+1:] == c.Recover {
			must(os.WriteFile(filepath.Join(filepath.Dir(c.Runs), hitFile+"-recover"), nil, 0o600))
			switch c.When {
			case before:
				must(os.Truncate(path, from))
			case torn:
				must(os.Truncate(path, (from+size())/2))
			}
			d := deadly{crash: c}
			d.kill()
		}
		from = size()
		say(kind, b)
	}
}

// recoverSteps are the entries that recover writes for the faults and the action of the cell.
var recoverSteps = []string{
	"fault.reverting second", "fault.reverted second", "fault.reverting first", "fault.reverted first", "action.undoing note", "action.undone note",
}

var recoverColumns = []struct {
	name string
	crash
}{
	{"recover, before", crash{When: before, Engine: true}},
	{"recover, in the middle", crash{When: torn, Engine: true}},
	{"recover, after", crash{When: after, Engine: true}},
	{"both", crash{When: after, Engine: true, Plugin: true}},
}

// TestRecoverEveryEntry kills engine and plugin at once while two faults and an action are there, and then the recovery as well.
func TestRecoverEveryEntry(t *testing.T) {
	table := results.table("recovering", names(recoverColumns)...)
	for _, step := range recoverSteps {
		for _, col := range recoverColumns {
			if !*full && (step != "fault.reverted second" || col.name != "both") {
				continue
			}
			table.expect(step, col.name)
			t.Run(step+"/"+col.name, func(t *testing.T) {
				t.Parallel()
				busy <- struct{}{}
				defer func() { <-busy }()
				table.set(step, col.name, failed)
				c := newCell(t).broken()
				how := col.crash
				how.Recover = step
				code, said := c.do(how, "recover")
				require.Equal(t, killed, code, said)
				require.FileExists(t, filepath.Join(c.dir, hitFile+"-recover"))
				table.set(step, col.name, c.healedByRecover())
			})
		}
	}
}
