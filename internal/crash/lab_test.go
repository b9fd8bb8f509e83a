package crash

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// lab is one lab for all its cells, which therefore come one after the other.
type lab struct {
	binary, dir string
	dns, port   string
}

// labFaults are the blocks of a scenario that has one fault, by the row of the table.
var labFaults = []struct{ name, blocks string }{
	{"zone outage, kill", labFault("lab_zone", `names = ["east-a"]`, "lab_zone_outage", `mode = "kill"`)},
	{"zone outage, freeze", labFault("lab_zone", `names = ["east-b"]`, "lab_zone_outage", `mode = "freeze"`)},
	{"zone isolation", labFault("lab_zone", `names = ["east-c"]`, "lab_zone_isolation", `mode = "drop"`)},
	{"zone latency", labFault("lab_zone", `names = ["east-a"]`, "lab_latency", `delay = "150ms"`)},
	{"quota", labFault("lab_region", `names = ["west"]`, "lab_quota_exhaustion", ``)},
	{"DNS, NXDOMAIN", labFault("lab_service", `names = ["shop.lab.test"]`, "lab_dns_failure", `mode = "nxdomain"`)},
	{"DNS, wrong address", labFault("lab_service", `names = ["shop.lab.test"]`, "lab_dns_failure", `mode = "wrong_address"`)},
	{"DNS, no answer", labFault("lab_service", `names = ["shop.lab.test"]`, "lab_dns_failure", `mode = "drop"`)},
	{"link latency", labFault("lab_link", ``, "lab_link_latency", `delay = "300ms"`)},
	{"link cut", labFault("lab_link", ``, "lab_link_latency", `cut = true`)},
	{"region outage", labFault("lab_region", `names = ["west"]`, "lab_region_outage", ``)},
}

func labFault(target, selector, fault, attributes string) string {
	return fmt.Sprintf("target %q \"t\" {\n%s\n}\nfault %q \"f\" {\ntargets = target.%s.t\nhold = \"300ms\"\n%s\n}\n", target, selector, fault, target, attributes)
}

func TestLab(t *testing.T) {
	if !*full {
		t.Skip("the lab's part of the matrix takes minutes: make crash-test")
	}
	t.Parallel() // beside the others; its own cells have one lab between them
	l := newLab(t)
	table := results.table("lab", names(moments)...)
	for _, f := range labFaults {
		for _, m := range moments {
			table.expect(f.name, m.name)
			t.Run(f.name+"/"+m.name, func(t *testing.T) {
				table.set(f.name, m.name, failed)
				c := newCell(t)
				l.own(c, f.blocks)
				table.set(f.name, m.name, c.killedAt(m.crash, noClock))
			})
		}
	}
}

// build makes the binary of a plugin.
func build(t *testing.T, plugin string, env ...string) string {
	path := filepath.Join(t.TempDir(), "gameday-plugin-"+plugin)
	cmd := exec.Command("go", "build", "-o", path, "../../cmd/gameday-plugin-"+plugin)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

var whereLab = regexp.MustCompile(`http://[^:]+:(\d+), DNS at (\S+) `)

func newLab(t *testing.T) *lab {
	l := &lab{binary: build(t, "lab"), dir: filepath.Join(t.TempDir(), "lab")}
	t.Cleanup(func() { l.command(t, "down") })
	said := l.command(t, "up")
	found := whereLab.FindStringSubmatch(said)
	require.NotNil(t, found, said)
	l.port, l.dns = found[1], found[2]
	return l
}

func (l *lab) command(t testing.TB, command string, flags ...string) string {
	out, err := exec.Command(l.binary, append([]string{command, "-dir", l.dir}, flags...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// own makes the lab the target of a cell, in place of the files.
func (l *lab) own(c *cell, blocks string) {
	c.plugins = filepath.Dir(l.binary)
	c.faults = func(looked string) string { return looked }
	c.look = func() string { return l.look(c) }
	c.settle = 20 * time.Second
	c.args = []string{"-revert-timeout", "60s"}
	c.replaceScenario("scenario \"lab\" {\nservice = \"shop\"\nbaseline = \"100ms\"\nrecovery = \"5s\"\n}\nplugin \"lab\" {\ndir = \"" + l.dir + "\"\n}\n" + blocks)
	eventually(c, patience, "the lab is as it should be", func() bool { c.before = c.look(); return l.whole(c.before) })
}

// labStatus is the part of the lab's own state that a fault may change.
type labStatus struct {
	Status struct {
		Regions map[string]struct {
			Role  string `json:"role"`
			Quota struct {
				Limit int `json:"limit"`
			} `json:"quota"`
			Instances []struct {
				Name, State string
				Extra       bool
			} `json:"instances"`
		} `json:"regions"`
		Links    map[string]json.RawMessage `json:"links"`
		Failures map[string]json.RawMessage `json:"dns_failures"`
		Faults   []struct {
			Run, ID string
		} `json:"faults"`
		Procs map[string]struct {
			PID int `json:"pid"`
		} `json:"processes"`
	} `json:"status"`
}

// look asks the lab, the kernel about each of its processes, and the service as its users would.
func (l *lab) look(c *cell) string {
	var s labStatus
	require.NoError(c, json.Unmarshal([]byte(l.command(c, "status", "-json")), &s))
	var b strings.Builder
	extra := map[string]bool{}
	for _, region := range slices.Sorted(maps.Keys(s.Status.Regions)) {
		r := s.Status.Regions[region]
		fmt.Fprintf(&b, "%s: %s, quota %d\n", region, r.Role, r.Quota.Limit)
		for _, i := range r.Instances {
			extra[i.Name] = i.Extra // of the lab's own autoscaler
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Status.Procs)) {
		if p, ok := processOf(s.Status.Procs[name].PID); !extra[name] {
			fmt.Fprintf(&b, "%s: runs %t\n", name, ok && p.state != "T")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Status.Links)) {
		if !isExtra(name, extra) {
			fmt.Fprintf(&b, "link %s: %s\n", name, s.Status.Links[name])
		}
	}
	fmt.Fprintf(&b, "DNS failures %v, faults %v\n", s.Status.Failures, s.Status.Faults)
	fmt.Fprintf(&b, "the shop says %s\n", l.ask())
	return b.String()
}

func isExtra(link string, extra map[string]bool) bool {
	return slices.ContainsFunc(strings.Split(link, ":"), func(part string) bool { return extra[part] })
}

// whole says that nothing is amiss to begin with.
func (l *lab) whole(looked string) bool {
	return !strings.Contains(looked, "runs false") && strings.Contains(looked, "faults []") && strings.Contains(looked, "the shop says 200 OK")
}

// ask resolves the shop and asks it whether it is ready.
func (l *lab) ask() string {
	q := new(dns.Msg)
	q.SetQuestion("shop.lab.test.", dns.TypeA)
	r, _, err := (&dns.Client{Timeout: time.Second}).Exchange(q, l.dns)
	if err != nil {
		return err.Error()
	}
	for _, rr := range r.Answer {
		if a, ok := rr.(*dns.A); ok {
			client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := client.Get(fmt.Sprintf("http://%s:%s/readyz", a.A, l.port))
			if err != nil {
				return "nothing at " + a.A.String()
			}
			return resp.Status + " at " + a.A.String() + map[bool]string{true: ""}[resp.Body.Close() == nil]
		}
	}
	return dns.RcodeToString[r.Rcode]
}

// replaceScenario has another scenario in place of the files'.
func (c *cell) replaceScenario(text string) {
	require.NoError(c, os.RemoveAll(filepath.Join(c.dir, "s")))
	require.NoError(c, os.Mkdir(filepath.Join(c.dir, "s"), 0o755))
	require.NoError(c, os.WriteFile(filepath.Join(c.dir, "s", "one.gameday.hcl"), []byte(text), 0o644))
	c.given = nil
}
