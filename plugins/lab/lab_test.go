package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/lab"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// TestFaults takes every fault through its life in one lab.
func TestFaults(t *testing.T) {
	b := up(t)
	east := b.output("east_url")

	b.run("it serves users by name", func(t *testing.T) {
		ip, err := b.lookup("shop.lab.test")
		require.NoError(t, err)
		require.NoError(t, b.orders(fmt.Sprintf("http://%s:%s", ip, b.output("port"))))
		code, out, _ := command("up", "-dir", b.dir)
		require.Zero(t, code)
		require.Contains(t, out, "up already")
		code, out, _ = command("status", "-dir", b.dir)
		require.Zero(t, code)
		require.Contains(t, out, "east-c")
	})
	b.run("targets", func(t *testing.T) {
		sel, problems, err := b.plugin.Resolve(t.Context(), "lab_zone", sdk.Request{Config: json.RawMessage(`{"region":"west"}`)})
		require.NoError(t, err)
		require.Empty(t, problems)
		require.Equal(t, 6, sel.Population)
		require.Len(t, sel.Targets, 3)
		_, problems, err = b.plugin.Resolve(t.Context(), "lab_zone", sdk.Request{Config: json.RawMessage(`{"names":["east-d"]}`)})
		require.NoError(t, err)
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].Detail, "east-a")
	})
	b.run("zone outage", func(t *testing.T) {
		alive := func() error { return portOpen(b.lab().Shop("east-b")) }
		b.cycle("lab_zone_outage", "", b.targets("lab_zone", "east-b"), alive)
	})
	b.run("zone freeze", func(t *testing.T) {
		b.cycle("lab_zone_outage", `{"mode":"freeze"}`, b.targets("lab_zone", "east-c"), func() error {
			if b.processes().Children["east-c"].Stopped() {
				return errors.New("the process is stopped")
			}
			return nil
		})
	})
	for _, mode := range []string{"drop", "refuse"} {
		b.run("zone isolation, "+mode, func(t *testing.T) {
			zone := map[string]string{"drop": "west-b", "refuse": "east-a"}[mode]
			pid := b.processes().Children[zone]
			b.cycle("lab_zone_isolation", fmt.Sprintf(`{"mode":%q}`, mode), b.targets("lab_zone", zone), func() error {
				require.Equal(t, pid, b.processes().Children[zone], "the process lives on")
				return ready(t.Context(), b.lab().Front(zone), time.Second)
			})
		})
	}
	b.run("latency", func(t *testing.T) {
		b.cycle("lab_latency", `{"delay":"250ms"}`, b.targets("lab_zone", "west-a", "west-c"), func() error {
			return ready(t.Context(), b.lab().Front("west-c"), 200*time.Millisecond)
		})
	})
	b.run("link", func(t *testing.T) {
		for _, config := range []string{`{"delay":"400ms"}`, `{"cut":true}`} {
			b.cycle("lab_link_latency", config, b.targets("lab_link", "east-west"), func() error { return b.mirrored(400 * time.Millisecond) })
		}
	})
	b.run("dns", func(t *testing.T) {
		for _, mode := range []string{"nxdomain", "servfail", "refused", "drop", "delay", "wrong_address", "empty"} {
			b.cycle("lab_dns_failure", fmt.Sprintf(`{"mode":%q,"delay":"500ms"}`, mode), b.targets("lab_service", "shop.lab.test"), func() error {
				ip, err := b.lookup("shop.lab.test")
				if err == nil && ip != "127.0.10.1" {
					err = errors.New("the answer is " + ip)
				}
				return err
			})
		}
	})
	b.run("quota", func(t *testing.T) {
		client, _, err := control.Dial(labdir.Dir(b.dir))
		require.NoError(t, err)
		b.waitForSpare("west")
		b.cycle("lab_quota_exhaustion", "", b.targets("lab_region", "west"), func() error {
			_, err := client.Launch(t.Context(), "west", true)
			return err
		})
	})
	require.NoError(t, b.orders(east), "the lab is as good as new")
}

// TestCapacityIsReplacedUnlessTheQuotaForbids loses a zone twice: with the quota used up, and with a spare.
func TestCapacityIsReplacedUnlessTheQuotaForbids(t *testing.T) {
	b := up(t)
	events := b.watch()
	quota, problems := b.prepare("lab_quota_exhaustion", "run", "", b.targets("lab_region", "east"))
	require.Empty(t, problems)
	outage, problems := b.prepare("lab_zone_outage", "run", "", b.targets("lab_zone", "east-b"))
	require.Empty(t, problems)
	require.NoError(t, b.plugin.Inject(t.Context(), quota))
	require.NoError(t, b.plugin.Inject(t.Context(), outage))
	events.waitFor(t, sdk.Detected, "east-b failed its health checks")
	events.waitFor(t, sdk.Limited, "was denied: QuotaExceeded: 3 of 3 instances are in use")
	require.NoError(t, b.plugin.Revert(t.Context(), quota))
	events.waitFor(t, sdk.Noticed, "launched east-")
	require.Eventually(t, func() bool { return b.healthyBackends("east") == 3 }, patience, 20*time.Millisecond, "the replacement takes requests")
	require.NoError(t, b.plugin.Revert(t.Context(), outage))
	events.waitFor(t, sdk.Recovered, "east-b passes its health checks again")
}

// TestRegionFailover loses a region for good, goes on in the other one, and comes back without losing what that took.
func TestRegionFailover(t *testing.T) {
	t.Parallel()
	b := up(t)
	h, problems := b.prepare("lab_region_outage", "run", "", b.targets("lab_region", "east"))
	require.Empty(t, problems)
	west := b.output("west_url")
	require.Error(t, b.orders(west), "a mirror takes no orders")
	b.write(b.output("east_url"), 1, 20)
	require.Eventually(t, func() bool { return len(b.ledger(west)) == 20 }, patience, 20*time.Millisecond, "the mirror follows")

	require.NoError(t, b.plugin.Inject(t.Context(), h))
	b.inspect(b.plugin, h, sdk.Active)
	require.Error(t, b.orders(b.output("east_url")))
	_, err := b.plugin.Run(t.Context(), "lab_region_failover", sdk.Request{ID: "action.f", Config: json.RawMessage(`{"to":"east"}`)})
	require.Error(t, err, "east is dead")
	b.failover("west")
	require.NoError(t, b.orders(west))
	ip, err := b.lookup("shop.lab.test")
	require.NoError(t, err)
	require.Equal(t, "127.0.20.1", ip, "users are sent to west")
	b.write(west, 21, 20)

	require.NoError(t, b.plugin.Revert(t.Context(), h))
	b.inspect(b.plugin, h, sdk.Inactive)
	require.Error(t, b.orders(b.output("east_url")), "the old region is back, but must not take orders behind the new one's back")
	require.Equal(t, upTo(40), b.duringWrites(func() { b.failover("east") }))
	require.NoError(t, b.orders(b.output("east_url")))
	require.Error(t, b.orders(west))
	require.Eventually(t, func() bool { return len(b.ledger(west)) == len(b.ledger(b.output("east_url"))) }, patience, 20*time.Millisecond,
		"west is a mirror again")
	b.failover("west")
	b.failover("east")
	require.Equal(t, upTo(40), b.ledger(b.output("east_url"))[:40], "planned moves lose nothing")
}

// TestNothingOutlivesTheSupervisor kills it the hard way, with a frozen zone on its hands.
func TestNothingOutlivesTheSupervisor(t *testing.T) {
	t.Parallel()
	b := up(t)
	h, problems := b.prepare("lab_zone_outage", "run", `{"mode":"freeze"}`, b.targets("lab_zone", "east-b"))
	require.Empty(t, problems)
	require.NoError(t, b.plugin.Inject(t.Context(), h))
	ps := b.processes()
	require.Len(t, ps.Children, 8)
	require.NoError(t, ps.Supervisor.Signal(syscall.SIGKILL))
	require.Eventually(t, func() bool { return allDead(ps.Children) && !ps.Supervisor.Alive() }, 5*time.Second, 5*time.Millisecond)

	b.inspect(b.plugin, h, sdk.Inactive)
	require.NoError(t, b.plugin.Revert(t.Context(), h), "the lab has taken its faults with it")
	code, out, _ := command("status", "-dir", b.dir)
	require.Zero(t, code)
	require.Contains(t, out, "No lab is running")

	code, _, errOut := command("up", "-dir", b.dir)
	require.Zero(t, code, errOut)
	again := b.session()
	b.inspect(again, h, sdk.Inactive)
	_, problems = b.prepare("lab_zone_outage", "run", "", h.Targets)
	require.NotEmpty(t, problems, "a target of the old lab is not one of the new lab")
}

func TestAFaultThatNobodyRevertsExpires(t *testing.T) {
	t.Parallel()
	b := up(t, "-fault-ttl", "2s")
	h, problems := b.prepare("lab_dns_failure", "run", "", b.targets("lab_service", "shop.lab.test"))
	require.Empty(t, problems)
	require.NoError(t, b.plugin.Inject(t.Context(), h))
	b.inspect(b.plugin, h, sdk.Active)
	require.Eventually(t, func() bool { _, err := b.lookup("shop.lab.test"); return err == nil }, patience, 50*time.Millisecond)
	b.inspect(b.plugin, h, sdk.Inactive)
}

func TestCommandLine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{{"down"}, {"status"}, {"down"}} {
		code, out, _ := command(append(args, "-dir", dir)...)
		require.Zero(t, code)
		require.Contains(t, out, "No lab is running")
	}
	code, _, errOut := command("faults", "-dir", dir)
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "gameday lab up")
	code, _, errOut = command("upp")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, `no command "upp"`)
	code, _, errOut = command("up", "-dir", dir, "-quota", "9")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "3 to 7")

	foreign := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(foreign, "precious"), nil, 0o600))
	code, _, errOut = command("up", "-dir", foreign)
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "precious")
	code, _, _ = command("down", "-dir", foreign)
	require.Zero(t, code)
	_, err := os.Stat(filepath.Join(foreign, "precious"))
	require.NoError(t, err, "down removes only what the lab made")
}

func TestWithoutALab(t *testing.T) {
	p, err := sdk.ServeLocal(lab.New(), t.Output())
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	config, err := json.Marshal(map[string]string{"dir": t.TempDir()})
	require.NoError(t, err)
	_, problems, err := p.Configure(t.Context(), sdk.Settings{Config: config, StateDir: t.TempDir()})
	require.NoError(t, err)
	require.Len(t, problems, 1)
	require.Equal(t, "No lab is running", problems[0].Summary)
	require.Contains(t, problems[0].Detail, "gameday lab up")
}

// ready wants the shop behind an address to answer in time.
func ready(ctx context.Context, addr string, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// mirrored wants a new order to reach the mirror in time.
func (b *bench) mirrored(within time.Duration) error {
	// A mirror that has lost its origin looks for it only now and then, so the first order after a cut may be slow.
	run := fmt.Sprintf("mirror-%d", time.Now().UnixNano())
	if _, err := post(b.t.Context(), b.output("east_url")+"/ledger", fmt.Sprintf(`{"run":%q,"seq":1}`, run)); err != nil {
		return err
	}
	deadline := time.Now().Add(within)
	for time.Now().Before(deadline) {
		if len(b.ledgerOf(b.output("west_url"), run)) == 1 {
			return nil
		}
	}
	return errors.New("the mirror is behind")
}

func (b *bench) write(url string, from, count int) {
	for seq := from; seq < from+count; seq++ {
		status, err := post(b.t.Context(), url+"/ledger", fmt.Sprintf(`{"run":"test","seq":%d,"worker":0,"time":"now"}`, seq))
		require.NoError(b.t, err)
		require.Equal(b.t, http.StatusCreated, status)
	}
}

func upTo(n int) []int {
	var out []int
	for i := 1; i <= n; i++ {
		out = append(out, i)
	}
	return out
}

func (b *bench) ledger(url string) []int { return b.ledgerOf(url, "test") }

func (b *bench) ledgerOf(url, run string) []int {
	var out []int
	for after := 0; ; {
		resp, err := http.Get(fmt.Sprintf("%s/ledger?run=%s&after=%d&limit=15", url, run, after))
		require.NoError(b.t, err)
		var page struct {
			Records []struct{ Seq int }
			Next    int
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		require.NoError(b.t, errors.Join(err, resp.Body.Close()))
		for _, r := range page.Records {
			out = append(out, r.Seq)
		}
		if page.Next == 0 {
			return out
		}
		after = page.Next
	}
}

// duringWrites writes at both regions' doors while something happens, and wants everything that was acknowledged meanwhile
// to be in the east in the end. It returns the first 40 records there.
func (b *bench) duringWrites(act func()) []int {
	ctx, cancel := context.WithCancel(b.t.Context())
	var wg sync.WaitGroup
	var acknowledged []int
	wg.Go(func() {
		for seq := 1000; ctx.Err() == nil; seq++ {
			for _, url := range []string{b.output("west_url"), b.output("east_url")} {
				status, err := post(b.t.Context(), url+"/ledger", fmt.Sprintf(`{"run":"test","seq":%d}`, seq))
				if err == nil && status == http.StatusCreated {
					acknowledged = append(acknowledged, seq)
				}
			}
		}
	})
	act()
	cancel()
	wg.Wait()
	require.NotEmpty(b.t, acknowledged)
	got := b.ledger(b.output("east_url"))
	require.Subset(b.t, got, acknowledged, "what was acknowledged while the service moved")
	return got[:40]
}

func (b *bench) failover(to string) {
	out, err := b.plugin.Run(b.t.Context(), "lab_region_failover", sdk.Request{ID: "action.f", Config: json.RawMessage(fmt.Sprintf(`{"to":%q}`, to))})
	require.NoError(b.t, err)
	require.Contains(b.t, out, to+" takes the orders now")
	b.t.Log(out)
}

func (b *bench) status() control.Status {
	client, _, err := control.Dial(labdir.Dir(b.dir))
	require.NoError(b.t, err)
	defer client.Close()
	st, err := client.Status(b.t.Context())
	require.NoError(b.t, err)
	return st
}

func (b *bench) healthyBackends(region string) int {
	n := 0
	for _, be := range b.status().Regions[region].Backends {
		if be.Healthy {
			n++
		}
	}
	return n
}

// waitForSpare waits until the autoscaler has given back what it launched.
func (b *bench) waitForSpare(region string) {
	require.Eventually(b.t, func() bool { return b.status().Regions[region].Quota.Used == 3 }, patience, 50*time.Millisecond)
}

// eventLog collects what the plugin observes.
type eventLog struct {
	mu     sync.Mutex
	events []sdk.Event
}

func (b *bench) watch() *eventLog {
	l := &eventLog{}
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.plugin.Events(ctx, func(e sdk.Event) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.events = append(l.events, e)
		})
	}()
	b.t.Cleanup(func() { cancel(); <-done })
	return l
}

func (l *eventLog) waitFor(t *testing.T, kind sdk.EventKind, summary string) {
	t.Helper()
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, e := range l.events {
			if e.Kind == kind && strings.Contains(e.Summary, summary) && !e.At.IsZero() && e.Source != "" {
				return true
			}
		}
		return false
	}, patience, 20*time.Millisecond, summary)
}
