package view

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// window is a terminal that folds long lines, and folds them anew when it is made narrower, as terminals do today.
type window struct {
	mu    sync.Mutex
	cols  int
	lines []string // as they were ended; the cursor is at the beginning of the row after row
	row   int      // the cursor, in folded rows from the top
	rest  string
}

var sequence = regexp.MustCompile("^\x1b\\[([0-9]*)([A-Za-z])")

func (w *window) rows() (rows []string) {
	for _, l := range w.lines {
		rows = append(rows, fold(l, w.cols)...)
	}
	return rows
}

func fold(line string, cols int) (rows []string) {
	for r := []rune(line); ; r = r[cols:] {
		if len(r) <= cols {
			return append(rows, string(r))
		}
		rows = append(rows, string(r[:cols]))
	}
}

func (w *window) write(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s = w.rest + s
	w.rest = ""
	for s != "" {
		if m := sequence.FindStringSubmatch(s); m != nil {
			w.control(m[1], m[2])
			s = s[len(m[0]):]
			continue
		}
		end := strings.IndexAny(s, "\n\x1b")
		if end < 0 || s[end] == '\x1b' && end == 0 {
			w.rest = s // not whole yet
			return
		}
		if s[end] == '\x1b' { // colour within a line: the line is not whole yet
			m := sequence.FindStringSubmatch(s[end:])
			if m == nil {
				w.rest = s
				return
			}
			s = s[:end] + s[end+len(m[0]):]
			continue
		}
		w.lines = append(w.lines, strings.TrimRight(s[:end], "\r"))
		w.row = len(w.rows())
		s = s[end+1:]
	}
}

func (w *window) control(n, what string) {
	switch what {
	case "A":
		up, _ := strconv.Atoi(n)
		w.row = max(0, w.row-up)
	case "J": // from the cursor on
		w.lines = w.rows()[:w.row]
	}
}

func (w *window) shows(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(strings.Join(w.rows(), "\n"), what)
}

func (w *window) narrow(t *testing.T, master *os.File, cols int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cols = cols
	w.row = len(w.rows()) // the cursor stays behind the same text
	require.NoError(t, unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: uint16(cols)}))
}

func openWindow(t *testing.T, cols int) (*window, *os.File, *os.File) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	w := &window{}
	w.narrow(t, master, cols)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			w.write(string(buf[:n]))
		}
	}()
	t.Cleanup(func() { _ = slave.Close(); _ = master.Close(); <-done })
	return w, master, slave
}

func TestAWindowThatIsMadeNarrowerShowsOneFrame(t *testing.T) {
	w, master, slave := openWindow(t, 120)
	v := NewBars(slave, options())
	defer v.Close()
	p := &plan.Plan{}
	for i := range 4 {
		p.SLOs = append(p.SLOs, plan.SLO{Addr: fmt.Sprintf("slo.a_service_with_a_long_name_%d", i)})
	}
	v.Entry(0, journal.PlanKind, p)
	v.Entry(0, journal.Phase, journal.PhaseBody{Name: journal.Baseline})
	v.Say("this line stays")
	s := engine.Snapshot{Phase: journal.Baseline, Left: time.Minute}
	for _, o := range p.SLOs {
		s.SLOs = append(s.SLOs, engine.LiveSLO{Addr: o.Addr, SLI: .5, Target: .99, Known: true, Violated: true})
	}
	v.Live(s)
	one := func(why string) {
		require.Eventually(t, func() bool { return w.shows("Ctrl-C aborts") == 1 && w.shows("baseline  ") == 1 }, 10*time.Second, 10*time.Millisecond, why)
	}
	one("the first frame")
	require.Eventually(t, func() bool { return w.shows("VIOLATED") == 4 }, 10*time.Second, 10*time.Millisecond)
	for _, cols := range []int{70, 45, 100, 50} {
		w.narrow(t, master, cols)
		require.Eventually(t, func() bool { return w.shows("a_service_with_a_long_name_") <= 4 && w.shows("Ctrl-C") == 1 }, 10*time.Second, 5*time.Millisecond, "at %d columns", cols)
		v.Say(fmt.Sprintf("at %d columns", cols))
		require.Eventually(t, func() bool { return w.shows(fmt.Sprintf("at %d columns", cols)) == 1 }, 10*time.Second, 5*time.Millisecond)
		one(fmt.Sprintf("at %d columns", cols))
	}
	require.Equal(t, 1, w.shows("this line stays"), "what had been printed is not cleared with it")
}

func TestTheInjectPhaseHasALength(t *testing.T) {
	at := func(s string) plan.Duration { d, _ := time.ParseDuration(s); return plan.Duration(d) }
	p := &plan.Plan{Draft: plan.Draft{
		Faults: []plan.Fault{
			{Addr: "fault.a", When: plan.When{At: at("5s")}, Hold: at("10s")},
			{Addr: "fault.b", When: plan.When{After: []string{"action.c"}, At: at("2s")}, Hold: at("20s")},
		},
		Actions: []plan.Action{{Addr: "action.c", When: plan.When{After: []string{"fault.a"}, At: at("1s")}}},
	}}
	require.Equal(t, 28*time.Second, injectLength(p))
	v := &Bars{length: injectLength(p)}
	v.now.Store(&engine.Snapshot{Phase: journal.Observe})
	v.phase.Store(&phaseStart{journal.Observe, time.Now().Add(-7 * time.Second)})
	b := v.phaseBar()
	require.InDelta(t, .25, b.share, .01)
	require.Equal(t, "for 7.00s of at most 28.00s", b.after)
	v.phase.Store(&phaseStart{journal.Observe, time.Now().Add(-time.Minute)})
	require.Equal(t, "for 1m00s", v.phaseBar().after)
	require.Equal(t, 1.0, v.phaseBar().share)
}
