package integration

import (
	"fmt"
	"os"
	"os/exec"
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

// delay is the length of the link between the regions, each way, in these tests.
const delay = 100 * time.Millisecond

// region is the environment of postgres-region-failover with a witness of the cut that is not gameday's: datagrams of the test's own
// between the edge and region east.
type region struct {
	*world
	beats *beats
	p50   time.Duration // of the orders that the test itself gave before the run
}

// story is a run with what PostgreSQL and HAProxy know of it.
type story struct {
	result
	cut        time.Time
	east, west []commit
}

// commit is a record as a server has it, with the time at which it was committed by the server's clock.
type commit struct {
	seq uint64
	at  time.Time
}

func upRegion(t *testing.T, replication string) *region {
	t.Helper()
	need(t, "ip", "tc", "nft", "haproxy", "perl", "psql", "setpriv")
	w := &region{world: up(t, "postgres-region-failover", replication, fmt.Sprint(delay.Milliseconds()))}
	w.p50 = orderTime(t)
	w.beats = beat(t, "gd-pg-edge", "gd-pg-east", "198.18.43.6:9999")
	return w
}

// orderTime is what an order takes, as a plain client has it.
func orderTime(t *testing.T) time.Duration {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), "host=198.18.43.2 user=shop password=let-the-shop-in dbname=shop sslmode=disable")
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	var all []time.Duration
	for range 15 {
		began := time.Now()
		_, err := conn.Exec(t.Context(), "INSERT INTO checkout DEFAULT VALUES")
		require.NoError(t, err)
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// sql asks a server inside its region, with nothing in between.
func (w *region) sql(t testing.TB, where, statement string) []string {
	t.Helper()
	out, err := exec.Command(filepath.Join(w.scenario, "env", "sql"), w.dir, where, statement).Output()
	require.NoError(t, err, statement)
	return strings.Fields(string(out))
}

func (w *region) tell(t testing.TB, args ...string) story {
	t.Helper()
	s := story{result: w.play(append([]string{"-var", "dir=" + w.dir}, args...)...)}
	s.cut, _ = w.beats.gap(t)
	s.east, s.west = w.commits(t, "east-shop"), w.commits(t, "west-shop")
	fault := s.report.Result.Faults[0]
	require.Equal(t, "reverted", fault.State)
	within(t, "the region was lost", s.cut.Sub(s.report.Run.Started), fault.T0)
	return s
}

func (w *region) commits(t testing.TB, where string) (all []commit) {
	t.Helper()
	rows := w.sql(t, where, "SELECT seq || ',' || extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM gameday_ledger ORDER BY pg_xact_commit_timestamp(xmin)")
	for _, row := range rows {
		seq, at, _ := strings.Cut(row, ",")
		n, err := strconv.ParseUint(seq, 10, 64)
		require.NoError(t, err)
		s, err := strconv.ParseFloat(at, 64)
		require.NoError(t, err)
		all = append(all, commit{n, seconds(s)})
	}
	require.NotEmpty(t, all)
	return all
}

// without are the records of one server that another does not have.
func without(all, others []commit) []commit {
	return slices.DeleteFunc(slices.Clone(all), func(c commit) bool {
		return slices.ContainsFunc(others, func(o commit) bool { return o.seq == c.seq })
	})
}

// ledger checks a count of lost records: PostgreSQL knows which are missing, and only the client which of them it had been told of.
func (s story) ledger(t testing.TB, what string, stated uint64, missing []commit) measure.LedgerResult {
	t.Helper()
	l := s.report.Result.Ledgers[0]
	t.Logf("%s: %d by the report; PostgreSQL misses %d, and what became of %d is not known to the client", what, stated, len(missing), l.Unknown)
	require.LessOrEqual(t, stated, uint64(len(missing)), what)
	require.LessOrEqual(t, uint64(len(missing))-stated, l.Unknown, what)
	require.Zero(t, l.Unexpected+l.Duplicated)
	return l
}

// recovers checks the recovery time and the time to detect against PostgreSQL's first order in west and HAProxy's log.
func (s story) recovers(t testing.TB, w *region) {
	t.Helper()
	rows := w.sql(t, "west-shop", "SELECT extract(epoch FROM min(at)) FROM checkout WHERE at > to_timestamp("+fmt.Sprintf("%.6f", float64(s.cut.UnixMicro())/1e6)+")")
	first, err := strconv.ParseFloat(rows[0], 64)
	require.NoError(t, err)
	rto := s.objective(t, "orders_are_taken")
	within(t, "orders were taken again", seconds(first).Sub(s.cut), rto.Time)

	log, err := os.ReadFile(filepath.Join(w.dir, "haproxy.log"))
	require.NoError(t, err)
	alone := regexp.MustCompile(`(?m)^<0>(\S+) proxy orders has no server available`).FindSubmatch(log)
	require.NotNil(t, alone)
	noticed, err := time.Parse(time.RFC3339Nano, string(alone[1]))
	require.NoError(t, err)
	told := s.objective(t, "somebody_is_told").Time
	told.Lo -= 200 * time.Millisecond // the way from the log to us
	within(t, "the load balancer noticed", noticed.Sub(s.cut), told)
	var parts []string
	for _, p := range rto.Split.Parts {
		parts = append(parts, p.Name)
	}
	require.Equal(t, []string{"onset", "detection", "decision", "action", "convergence"}, parts)
}

// TestPostgresRegionFailover loses a region with a primary that replicates asynchronously.
func TestPostgresRegionFailover(t *testing.T) {
	w := upRegion(t, "async")
	s := w.tell(t)
	require.Equal(t, 0, s.exit, s.said)
	s.recovers(t, w)
	s.keeps(t, "let-the-shop-in")
	missing := without(s.east, s.west)
	l := s.ledger(t, "lost", s.report.Result.Ledgers[0].Lost, missing)
	require.NotZero(t, l.Lost)
	require.Zero(t, l.LostAfter)
	require.Contains(t, l.Promise, "asynchronous: ")
	within(t, "the recovery point", s.cut.Sub(missing[0].at), s.objective(t, "orders_survive").Time)
	// What was on its way is lost: as much as the link is long.
	require.InDelta(t, delay.Seconds(), s.cut.Sub(missing[0].at).Seconds(), 0.08)
	east, west := w.sql(t, "east", "SELECT pg_current_wal_lsn()")[0], regexp.MustCompile(`primary from (\S+) `).FindStringSubmatch(s.said)[1]
	require.NotEqual(t, "0", w.sql(t, "east", "SELECT greatest(0, '"+east+"'::pg_lsn - '"+west+"')")[0], "east had written more than west took over with")
	t.Logf("west took over at %s, and east had written up to %s; orders took %v", west, east, s.p50())
	require.Less(t, s.p50(), delay)
}

// keeps checks that a secret is in nothing that a run leaves behind, and was never said.
func (s story) keeps(t testing.TB, secret string) {
	t.Helper()
	require.NotContains(t, s.said, secret)
	require.NoError(t, filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		require.NotContains(t, string(b), secret, path)
		return err
	}))
}

func (s story) p50() time.Duration { return s.report.Result.SLOs[0].Phases["baseline"].P50 }

// TestPostgresRegionFailoverSynchronous loses nothing, and pays for it with every order.
func TestPostgresRegionFailoverSynchronous(t *testing.T) {
	w := upRegion(t, "sync")
	s := w.tell(t, "-var-file", filepath.Join(w.scenario, "synchronous.vars.hcl"))
	require.Equal(t, 0, s.exit, s.said)
	s.recovers(t, w)
	l := s.ledger(t, "lost", s.report.Result.Ledgers[0].Lost, without(s.east, s.west))
	require.Zero(t, l.Lost+l.LostAfter)
	require.Contains(t, l.Promise, "synchronous_standby_names = 'west'")
	t.Logf("an order took %v, and %v by a client of the test's own", s.p50(), w.p50)
	require.Greater(t, s.p50(), 2*delay, "there and back")
	require.InDelta(t, w.p50.Seconds(), s.p50().Seconds(), 0.06)
}

// TestPostgresRegionFailoverSplitBrain leaves the old primary in the load balancer's eyes: when the region comes back, it gets the orders again.
func TestPostgresRegionFailoverSplitBrain(t *testing.T) {
	w := upRegion(t, "async")
	s := w.tell(t, "-var-file", filepath.Join(w.scenario, "split-brain.vars.hcl"))
	require.Equal(t, 1, s.exit, s.said)
	survive := s.objective(t, "orders_survive")
	require.Equal(t, measure.Fail, survive.Verdict)
	require.Contains(t, survive.Why, "lost")
	missing := without(s.west, s.east)
	l := s.ledger(t, "lost after the failure", s.report.Result.Ledgers[0].LostAfter, missing)
	require.Greater(t, l.LostAfter, uint64(50))
	within(t, "the first of them", missing[0].at.Sub(s.report.Run.Started), &measure.Interval{Lo: l.AfterSpan.From, Hi: l.AfterSpan.To})
	require.Equal(t, l.Lost, l.Resurfaced, "what west never had, east still had")
	require.NotEmpty(t, slices.DeleteFunc(s.east, func(c commit) bool {
		return c.at.Before(s.report.Run.Started.Add(s.report.Result.Faults[0].Reverted.Hi))
	}), "the old primary takes orders again")
}
