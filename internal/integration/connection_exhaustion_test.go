package integration

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// TestConnectionExhaustion uses up the connections of PostgreSQL and then the file descriptors of nginx. The headroom is read
// from pg_stat_activity and /proc all the while, and who was turned away is in the logs of both.
func TestConnectionExhaustion(t *testing.T) {
	servers, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	require.NoError(t, err)
	need(t, append(servers, "ip", "curl", "nginx", "runuser", "psql")...)
	w := up(t, "connection-exhaustion")
	seats := watch(t, seatsOf(t, w))
	files := watch(t, filesOf(t, w))
	r := w.play()
	require.Equal(t, 0, r.exit, r.said)

	leak, low := r.report.Result.Faults[0], r.report.Result.Faults[1]
	taken, given := seats.none(t, "connections of PostgreSQL")
	meets(t, "the last connection was taken", r, taken, leak.T0)
	// The worker's connections end with it, and PostgreSQL needs a moment to see that.
	free := given.middle().Sub(r.report.Run.Started)
	require.GreaterOrEqual(t, free, leak.Reverted.Lo)
	require.Less(t, free, leak.Reverted.Hi+time.Second)
	refused := refusals(t, filepath.Join(w.dir, "postgresql.log"))
	t.Logf("PostgreSQL turned %d visitors away", len(refused))
	require.EqualValues(t, len(refused), r.probe(t, "visitor").Classes["refused"])
	outage(t, "visitors were turned away", refused[0], refused[len(refused)-1], r.objective(t, "visitors_are_turned_away_no_longer_than_it_lasts"))
	require.Equal(t, measure.Pass, r.objective(t, "the_pool_goes_on").Verdict)

	taken, given = files.none(t, "file descriptors of nginx")
	meets(t, "the last descriptor was taken", r, taken, low.T0)
	meets(t, "descriptors were to be had again", r, given, low.Reverted)
	last, first := pause(t, filepath.Join(w.dir, "access.log"), taken.middle())
	outage(t, "no page was served", last, first, r.objective(t, "pages_are_missing_no_longer_than_it_lasts"))
	require.True(t, first.After(given.from), "a page was served while there was no descriptor")
	seats.same(t, "connections of PostgreSQL")
	files.same(t, "file descriptors of nginx")

	twin := w.playUnstarved("-var-file", filepath.Join(w.scenario, "twin.vars.hcl"))
	require.Equal(t, 1, twin.exit, twin.said)
}

// outage compares an outage with the downtime that the report states: that counts from the first bad sample until the last of them
// has left the window, which is 20 samples long.
func outage(t *testing.T, what string, from, to time.Time, o measure.ObjectiveResult) {
	t.Helper()
	const period, window = 100 * time.Millisecond, 2 * time.Second
	truth := to.Sub(from)
	t.Logf("%s for %v, the report says %v to %v with a window of %v", what, truth, o.Time.Lo, o.Time.Hi, window)
	require.GreaterOrEqual(t, truth+window+2*period, o.Time.Lo)
	require.LessOrEqual(t, truth-2*period, o.Time.Hi)
}

// probe finds a probe of the report by its name.
func (r result) probe(t testing.TB, name string) measure.ProbeResult {
	t.Helper()
	at := slices.IndexFunc(r.report.Result.Probes, func(p measure.ProbeResult) bool { return strings.HasSuffix(p.Addr, "."+name) })
	require.GreaterOrEqual(t, at, 0, name)
	return r.report.Result.Probes[at]
}

// headroom is what was left of something, over time.
type headroom struct {
	end, over chan struct{}
	seen      []look
}

type look struct {
	from, to time.Time // of the looking
	left     int
}

// watch looks until the watch is read.
func watch(t *testing.T, left func() int) *headroom {
	h := &headroom{end: make(chan struct{}), over: make(chan struct{})}
	go func() {
		defer close(h.over)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-h.end:
				return
			case <-tick.C:
			}
			l := look{from: time.Now()}
			l.left = left()
			l.to = time.Now()
			h.seen = append(h.seen, l)
		}
	}()
	t.Cleanup(h.stop)
	return h
}

func (h *headroom) stop() {
	select {
	case <-h.end:
	default:
		close(h.end)
	}
	<-h.over
}

// none is when nothing was left any more, and when there was something again for good.
func (h *headroom) none(t *testing.T, what string) (from, to moment) {
	t.Helper()
	h.stop()
	first := slices.IndexFunc(h.seen, func(l look) bool { return l.left <= 0 })
	require.Positive(t, first, "%s were never used up", what)
	last := first
	for n, l := range h.seen {
		if l.left <= 0 {
			last = n
		}
	}
	require.Less(t, last, len(h.seen)-1, "%s are still used up", what)
	t.Logf("%s: %d were left before, none for %v, and %d afterwards", what, h.seen[0].left, h.seen[last].to.Sub(h.seen[first].from), h.seen[len(h.seen)-1].left)
	return moment{h.seen[first-1].from, h.seen[first].to}, moment{h.seen[last].from, h.seen[last+1].to}
}

// moment is when something happened, as far as whoever looks now and then can tell.
type moment struct{ from, to time.Time }

func (m moment) middle() time.Time { return m.from.Add(m.to.Sub(m.from) / 2) }

// meets checks that what was seen and what is stated can both be true.
func meets(t testing.TB, what string, r result, seen moment, stated *measure.Interval) {
	t.Helper()
	require.NotNil(t, stated, what)
	from, to := seen.from.Sub(r.report.Run.Started), seen.to.Sub(r.report.Run.Started)
	t.Logf("%s: the truth is between %v and %v, the report says %v to %v", what, from, to, stated.Lo, stated.Hi)
	require.LessOrEqual(t, from, stated.Hi, what)
	require.GreaterOrEqual(t, to, stated.Lo, what)
}

// same checks that there is as much room as before, but for what the probes have in use.
func (h *headroom) same(t *testing.T, what string) {
	t.Helper()
	require.InDelta(t, h.seen[0].left, h.seen[len(h.seen)-1].left, 3, what)
}

// seatsOf asks PostgreSQL, over a connection of its own that is kept, how many more connections it would give to others than
// superusers.
func seatsOf(t *testing.T, w *world) func() int {
	t.Helper()
	c, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s/postgres user=postgres dbname=postgres", w.dir))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	const ask = `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - count(*)
		FROM pg_stat_activity WHERE backend_type = 'client backend'`
	var left int
	require.NoError(t, c.QueryRow(t.Context(), ask).Scan(&left))
	return func() int {
		_ = c.QueryRow(context.Background(), ask).Scan(&left) // a look that fails is as the last one was
		return left
	}
}

// filesOf reads how many more descriptors the kernel would give to nginx's worker: those below its limit that are free.
func filesOf(t *testing.T, w *world) func() int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, "nginx.pid"))
	require.NoError(t, err)
	master := strings.TrimSpace(string(b))
	b, err = os.ReadFile(filepath.Join("/proc", master, "task", master, "children"))
	require.NoError(t, err)
	worker := strings.Fields(string(b))[0]
	soft := regexp.MustCompile(`Max open files\s+(\d+)`)
	return func() int {
		limits, _ := os.ReadFile(filepath.Join("/proc", worker, "limits"))
		open, _ := os.ReadDir(filepath.Join("/proc", worker, "fd"))
		m := soft.FindSubmatch(limits)
		if m == nil {
			return -1 // it is gone, which is as bad
		}
		left, _ := strconv.Atoi(string(m[1]))
		below := left
		for _, f := range open {
			if n, err := strconv.Atoi(f.Name()); err == nil && n < below {
				left--
			}
		}
		return left
	}
}

// refusals are when PostgreSQL turned visitors away, by its log.
func refusals(t *testing.T, path string) (out []time.Time) {
	t.Helper()
	line := regexp.MustCompile(`^(\d+)\.(\d{3}) visitor FATAL:  (sorry, too many|remaining connection slots)`)
	for _, text := range lines(t, path) {
		if m := line.FindStringSubmatch(text); m != nil {
			ms, err := strconv.ParseInt(m[1]+m[2], 10, 64)
			require.NoError(t, err)
			out = append(out, time.UnixMilli(ms))
		}
	}
	require.NotEmpty(t, out)
	return out
}

// pause is when the last page was served before a moment, and the first after it, by nginx's log.
func pause(t *testing.T, path string, at time.Time) (last, first time.Time) {
	t.Helper()
	for _, text := range lines(t, path) {
		f := strings.Fields(text)
		s, err := strconv.ParseFloat(f[0], 64)
		require.NoError(t, err)
		if f[2] != "200" {
			continue
		}
		switch served := seconds(s); {
		case served.Before(at.Add(50 * time.Millisecond)): // one that was let in before may still be served
			last = served
		case first.IsZero():
			first = served
		}
	}
	require.False(t, last.IsZero() || first.IsZero())
	return last, first
}

func lines(t *testing.T, path string) (out []string) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		out = append(out, s.Text())
	}
	return out
}
