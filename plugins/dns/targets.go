package dns

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/resolver"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// traffics finds network namespaces, and the servers that are asked from there.
type traffics struct{}

const maxServers = 16

func (traffics) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "The DNS traffic of this host or of network namespaces, such as those of containers: what is asked from inside, what is asked of a server inside, and what is routed through.",
		Attributes: []sdk.Attribute{
			{Name: "namespaces", Type: sdk.StringList, Required: true, Doc: "Names as `ip netns` knows them, or paths such as /proc/PID/ns/net. host is the namespace that gameday is in."},
			{Name: "servers", Type: sdk.StringList, Doc: "Addresses of the DNS servers whose traffic this is. By default those of /etc/netns/NAME/resolv.conf, or else of /etc/resolv.conf."},
		},
	}
}

func (traffics) Resolve(_ context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	var c struct {
		Namespaces []string `json:"namespaces"`
		Servers    []string `json:"servers"`
	}
	if err := req.Decode(&c); err != nil {
		return sdk.Selection{}, nil, err
	}
	given, problems := parseServers(c.Servers)
	if len(problems) > 0 {
		return sdk.Selection{}, problems, nil
	}
	all := netns.Names()
	out := sdk.Selection{Population: max(len(all), len(c.Namespaces))}
	for i, name := range c.Namespaces {
		ref, err := netns.Find(name)
		if err != nil {
			problems = append(problems, problem(fmt.Sprintf("namespaces.%d", i), fmt.Sprintf("There is no network namespace %q", name), "There are "+strings.Join(all, ", ")+". "+err.Error()))
			continue
		}
		servers := given
		if len(servers) == 0 {
			servers = configured(name)
		}
		if len(servers) == 0 {
			problems = append(problems, problem("servers", name+" has no DNS servers in its resolv.conf", "Name the servers."))
			continue
		}
		list := join(servers)
		out.Targets = append(out.Targets, sdk.Target{
			Type: "dns_traffic", ID: ref.ID + "/" + list, Name: name, Attrs: map[string]string{"path": ref.Path, "servers": list},
		})
	}
	return out, problems, nil
}

func parseServers(texts []string) ([]netip.Addr, []sdk.Problem) {
	if len(texts) > maxServers {
		return nil, []sdk.Problem{problem("servers", fmt.Sprintf("%d servers", len(texts)), fmt.Sprintf("At most %d.", maxServers))}
	}
	var out []netip.Addr
	for i, text := range texts {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" || a.IsUnspecified() {
			return nil, []sdk.Problem{problem(fmt.Sprintf("servers.%d", i), fmt.Sprintf("%q is no address of a server", text), "Such as 10.0.0.53 or fd00::53; port 53 is meant.")}
		}
		if a = a.Unmap(); !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out, nil
}

// configured are the servers that a namespace's resolver is told to ask. `ip netns exec` puts the first file in the place of
// the second.
func configured(name string) []netip.Addr {
	for _, path := range []string{filepath.Join("/etc/netns", filepath.Base(name), "resolv.conf"), "/etc/resolv.conf"} {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		var texts []string
		for lines := bufio.NewScanner(f); lines.Scan() && len(texts) < maxServers; {
			if w := strings.Fields(lines.Text()); len(w) > 1 && w[0] == "nameserver" {
				texts = append(texts, w[1])
			}
		}
		_ = f.Close()
		servers, _ := parseServers(texts) // one that cannot be diverted leaves none, and then they have to be named
		return servers
	}
	return nil
}

func join(servers []netip.Addr) string {
	var out []string
	for _, s := range servers {
		out = append(out, s.String())
	}
	return strings.Join(out, ",")
}

// takeTraffic reads a target, if it is what was planned for.
func takeTraffic(t sdk.Target) (*diverted, []sdk.Problem) {
	id, list, _ := strings.Cut(t.ID, "/")
	d := &diverted{Namespace: netns.Ref{Path: t.Attrs["path"], ID: id}}
	var problems []sdk.Problem
	if d.Servers, problems = parseServers(strings.Split(list, ",")); len(problems) > 0 {
		return d, problems
	}
	f, err := d.Namespace.Open()
	if err != nil {
		return d, []sdk.Problem{problem("targets", t.Name+" is gone, or another has its name now", "Plan again.")}
	}
	_ = f.Close()
	return d, nil
}

// resolvers finds the resolver of the plugin's configuration.
type resolvers struct{ p *provider }

func (resolvers) Schema() sdk.Schema {
	return sdk.Schema{Doc: "The resolver that was started with `gameday-plugin-dns serve`, which clients are pointed at. There is one for each plugin block; started again, it is another."}
}

func (r resolvers) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	if err := req.Decode(&struct{}{}); err != nil {
		return sdk.Selection{}, nil, err
	}
	c := r.p.resolver()
	info, err := c.Info(ctx)
	if errors.Is(err, resolver.ErrNone) {
		return sdk.Selection{}, []sdk.Problem{{
			Severity: sdk.Error, Summary: "No resolver is running behind " + c.Socket,
			Detail: "Start one, and point clients at it: gameday-plugin-dns serve -listen 127.0.0.1:5353 -upstream ADDRESS -control " + c.Socket,
		}}, nil
	}
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	return sdk.Selection{Population: 1, Targets: []sdk.Target{{
		Type: "dns_resolver", ID: info.ID, Name: info.Listen, Attrs: map[string]string{"upstream": info.Upstream, "control": c.Socket},
	}}}, nil, nil
}
