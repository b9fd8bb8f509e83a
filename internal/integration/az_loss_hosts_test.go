package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// TestAZLossHosts silences a zone. When it really happened is known from datagrams of the test's own between the edge and the zone,
// what users had of it from HAProxy's log, and when it was noticed from Prometheus' own samples and from the packets of the webhook.
func TestAZLossHosts(t *testing.T) {
	need(t, "ip", "curl", "haproxy", "nginx", "prometheus", "prometheus-alertmanager", "tcpdump")
	w := up(t, "az-loss-hosts")
	beats := beat(t, "gd-az-edge", "gd-az-b", "198.18.41.10:9999")
	posts := capture(t, "gd-az-host", "tcp dst port 19095 and tcp[tcpflags] & tcp-push != 0")
	r := w.play()
	told := posts.first(t)
	cut, healed := beats.gap(t)
	require.Equal(t, 0, r.exit, r.said)

	fault := r.report.Result.Faults[0]
	require.Equal(t, "reverted", fault.State)
	within(t, "the zone fell silent", cut.Sub(r.report.Run.Started), fault.T0)
	within(t, "the zone came back", healed.Sub(r.report.Run.Started), fault.Reverted)

	log := readHAProxy(t, filepath.Join(w.dir, "haproxy.log"))
	began, ended := r.at(fault.T0.Lo), r.at(fault.Reverted.Lo)
	served, suffered := log.between(began, ended)
	last := suffered[len(suffered)-1]
	within(t, "users recovered", last.Sub(cut), r.objective(t, "users_recover").Time)
	t.Logf("HAProxy took the zone out %v after the last user was sent there", log.down.Sub(last))
	require.WithinDuration(t, log.down, last, 500*time.Millisecond)
	stats := r.report.Result.SLOs[0].Phases["fault"]
	t.Logf("of %d users %d suffered by HAProxy's log, and by the report %d", len(served), len(suffered), stats.Bad)
	require.InEpsilon(t, len(suffered), stats.Bad, 0.05, "a request at the edge of 250 ms may be on either side")
	require.InDelta(t, len(served), stats.Good+stats.Bad, 2)

	fired := firing(t, "http://198.18.41.2:9090", "ZoneDown")
	noticed := r.objective(t, "monitoring_notices").Time
	// A sample bears the time for which its evaluation was due, a little before anybody can see it.
	noticed.Lo -= 50 * time.Millisecond
	within(t, "Prometheus fired", fired.Sub(cut), noticed)
	within(t, "Alertmanager's notice arrived", told.Sub(cut), r.objective(t, "people_are_told").Time)

	twin := w.playUnstarved("-var-file", filepath.Join(w.scenario, "twin.vars.hcl"))
	require.Equal(t, 1, twin.exit, twin.said)
	require.Equal(t, measure.Fail, twin.objective(t, "users_recover").Verdict)
}

// accessLog is what HAProxy wrote down, in its own words.
type accessLog struct {
	requests []struct {
		at  time.Time
		bad bool
	}
	down time.Time // when it first took a server out
}

func readHAProxy(t *testing.T, path string) (log accessLog) {
	t.Helper()
	request := regexp.MustCompile(`\[(\d\d/\w{3}/\d{4}:[\d:.]+)\] web zones/\S+ \S+/(-?\d+) (-?\d+) `)
	down := regexp.MustCompile(`^<1>(\S+) Server zones/\S+ is DOWN`)
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if m := down.FindStringSubmatch(lines.Text()); m != nil && log.down.IsZero() {
			log.down, err = time.Parse(time.RFC3339Nano, m[1])
			require.NoError(t, err)
		}
		m := request.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		at, err := time.ParseInLocation("02/Jan/2006:15:04:05.000", m[1], time.Local)
		require.NoError(t, err)
		took, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		log.requests = append(log.requests, struct {
			at  time.Time
			bad bool
		}{at, m[3] != "200" || took > 250})
	}
	require.False(t, log.down.IsZero(), "HAProxy took nothing out")
	return log
}

// between are the moments at which users came, and those of them who were let down, in order. The log is in the order of the answers.
func (l accessLog) between(from, to time.Time) (all, bad []time.Time) {
	for _, r := range l.requests {
		if r.at.Before(from) || !r.at.Before(to) {
			continue
		}
		all = append(all, r.at)
		if r.bad {
			bad = append(bad, r.at)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	slices.SortFunc(bad, time.Time.Compare)
	return all, bad
}

// firing is when Prometheus itself says that an alert began to fire.
func firing(t *testing.T, server, alert string) time.Time {
	t.Helper()
	query := url.Values{"query": {fmt.Sprintf(`ALERTS{alertname=%q,alertstate="firing"}[5m]`, alert)}}
	resp, err := http.Get(server + "/api/v1/query?" + query.Encode())
	require.NoError(t, err)
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
	require.NotEmpty(t, answer.Data.Result)
	return seconds(answer.Data.Result[0].Values[0][0].(float64))
}

func seconds(s float64) time.Time { return time.UnixMicro(int64(s * 1e6)) }

// packets are the times of packets on an interface, from tcpdump.
type packets struct {
	cmd *exec.Cmd
	out *os.File
}

func capture(t *testing.T, link, filter string) *packets {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "packets"))
	require.NoError(t, err)
	p := &packets{cmd: exec.Command("tcpdump", "-i", link, "-nn", "-tt", "-l", "--immediate-mode", filter), out: out}
	p.cmd.Stdout = out
	said, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening on") {
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		_ = out.Close()
	})
	return p
}

func (p *packets) first(t *testing.T) time.Time {
	t.Helper()
	b, err := os.ReadFile(p.out.Name())
	require.NoError(t, err)
	field, _, _ := strings.Cut(string(b), " ")
	s, err := strconv.ParseFloat(field, 64)
	require.NoError(t, err, "no packet was seen: %q", b)
	return seconds(s)
}
