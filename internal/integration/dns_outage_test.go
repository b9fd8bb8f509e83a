package integration

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// TestDNSOutage has a name server fail behind two resolvers. When it really failed is known from queries of the test's own, past
// both resolvers, and what users had of it from nginx's log of the pages that they got.
func TestDNSOutage(t *testing.T) {
	need(t, "ip", "dig", "unbound", "named", "nginx")
	w := up(t, "dns-outage")
	truth := question(t, "gd-dns-edge", "198.18.53.6:53", "truth.shop.test.")
	r := w.play()
	require.Equal(t, 0, r.exit, r.said)
	cut, healed := truth.failure(t)
	fault := r.report.Result.Faults[0]
	within(t, "the name server failed", cut.Sub(r.report.Run.Started), fault.T0)
	within(t, "the name server was back", healed.Sub(r.report.Run.Started), fault.Reverted)

	pages := readPages(t, w, r)
	fresh, cached := slo(t, r, "fresh"), slo(t, r, "cached")
	for _, one := range []struct {
		name string
		got  measure.SLOResult
	}{{"fresh", fresh}, {"cached", cached}} {
		from, to := pages.gap(t, "/"+one.name)
		d := one.got.Downtime
		d.Lo -= time.Second // an outage counts for up to a window more than it lasted
		within(t, one.name+" users were down for", to.Sub(from), &d)
		if b := one.got.Failback; b != nil {
			within(t, one.name+" users were back", to.Sub(r.at(fault.Reverted.Lo)), b)
		}
	}
	// The lesson, by nginx's log alone: the cache hides the outage until the TTL of 8 s is over, and remembers it for 6 s.
	freshFrom, freshTo := pages.gap(t, "/fresh")
	cachedFrom, cachedTo := pages.gap(t, "/cached")
	t.Logf("without a cache: down from %v to %v after the cut; with: from %v to %v; it was healed at %v",
		freshFrom.Sub(cut), freshTo.Sub(cut), cachedFrom.Sub(cut), cachedTo.Sub(cut), healed.Sub(cut))
	require.WithinDuration(t, cut, freshFrom, 300*time.Millisecond)
	require.WithinDuration(t, healed, freshTo, 300*time.Millisecond)
	require.Less(t, cachedFrom.Sub(cut), 8500*time.Millisecond)
	require.Less(t, cachedTo.Sub(healed), 6500*time.Millisecond)

	twin := w.playUnstarved("-var-file", filepath.Join(w.scenario, "twin.vars.hcl"))
	require.Equal(t, 1, twin.exit, twin.said)
	require.Equal(t, measure.Fail, twin.objective(t, "cached_clients").Verdict)
	require.Equal(t, measure.Pass, twin.objective(t, "fresh_clients").Verdict)

	t.Run("modes", func(t *testing.T) { w.dnsModes(t) })
}

// dnsModes has the name server fail in other ways. What is said of each is in the scenario's README.
func (w *world) dnsModes(t *testing.T) {
	for mode, want := range map[string]string{"servfail": "bad", "drop": "bad", "wrong_address": "bad", "truncated": "good"} {
		r := w.playUnstarved("-var", "mode="+mode, "-var", "hold=4s", "-var", "fresh_downtime=20s")
		require.Equal(t, 0, r.exit, "%s: %s", mode, r.said)
		bad := slo(t, r, "fresh").Phases["fault"].Bad
		t.Logf("%s: %d bad answers without a cache, %d with", mode, bad, slo(t, r, "cached").Phases["fault"].Bad)
		if want == "good" {
			require.Zero(t, bad, "everything works, by TCP")
			continue
		}
		require.Greater(t, bad, uint64(60), mode)
		from, to := readPages(t, w, r).gap(t, "/fresh")
		d := slo(t, r, "fresh").Downtime
		d.Lo -= time.Second
		within(t, mode+": fresh users were down for", to.Sub(from), &d)
	}
}

func slo(t *testing.T, r result, name string) measure.SLOResult {
	t.Helper()
	for _, s := range r.report.Result.SLOs {
		if s.Addr == "slo."+name {
			return s
		}
	}
	require.FailNow(t, "no such SLO", name)
	return measure.SLOResult{}
}

// questions are queries that the test asks a server from one port, again and again, and how each was answered.
type questions struct {
	mu    sync.Mutex
	asked []time.Time
	good  []bool
}

func question(t *testing.T, namespace, server, name string) *questions {
	t.Helper()
	q := &questions{}
	var c net.Conn
	inside(t, namespace, func() (err error) { c, err = net.Dial("udp", server); return err })
	end := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				q.ask(c, name)
			}
		}
	})
	t.Cleanup(func() {
		close(end)
		over.Wait()
		require.NoError(t, c.Close())
	})
	return q
}

func (q *questions) ask(c net.Conn, name string) {
	at := time.Now()
	conn := &dns.Conn{Conn: c}
	_ = c.SetDeadline(at.Add(100 * time.Millisecond))
	m := new(dns.Msg).SetQuestion(name, dns.TypeA)
	_ = conn.WriteMsg(m)
	answer, err := conn.ReadMsg()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked = append(q.asked, at)
	q.good = append(q.good, err == nil && answer.Id == m.Id && answer.Rcode == dns.RcodeSuccess)
}

// failure is when the first bad answer followed a good one, and when the last was followed by a good one.
func (q *questions) failure(t *testing.T) (from, to time.Time) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := 1; i < len(q.good); i++ {
		if q.good[i-1] && !q.good[i] && from.IsZero() {
			from = middle(q.asked[i-1], q.asked[i])
		}
		if !q.good[i-1] && q.good[i] {
			to = middle(q.asked[i-1], q.asked[i])
		}
	}
	require.Greater(t, to.Sub(from), time.Second, "nothing failed")
	return from, to
}

// pages are the moments at which users of each kind got a page during a run, by nginx's log.
type pages map[string][]time.Time

func readPages(t *testing.T, w *world, r result) pages {
	t.Helper()
	f, err := os.Open(filepath.Join(w.dir, "access.log"))
	require.NoError(t, err)
	defer f.Close()
	out := pages{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var moment, uri, status string
		_, err := fmt.Sscan(lines.Text(), &moment, &uri, &status)
		require.NoError(t, err, lines.Text())
		s, err := strconv.ParseFloat(strings.TrimSpace(moment), 64)
		require.NoError(t, err)
		if at := seconds(s); status == "200" && at.After(r.report.Run.Started) {
			out[uri] = append(out[uri], at)
		}
	}
	return out
}

// gap is the longest time without a page.
func (p pages) gap(t *testing.T, uri string) (from, to time.Time) {
	t.Helper()
	for i := 1; i < len(p[uri]); i++ {
		if a, b := p[uri][i-1], p[uri][i]; b.Sub(a) > to.Sub(from) {
			from, to = a, b
		}
	}
	require.Greater(t, to.Sub(from), time.Second, "users of %s always got pages", uri)
	return from, to
}
