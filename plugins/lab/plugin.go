package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/orders"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// The plugin itself does nothing to the lab: it asks the lab's supervisor, which keeps every fault as a record of its own.
// So a fault is the same whether the plugin that made it lives or not, and what Inspect says is read from the processes,
// the network and the DNS of the lab, past the supervisor.

// provider is what a session knows: where the lab is.
type provider struct {
	mu  sync.Mutex
	dir labdir.Dir
}

// config is the plugin's own block.
type config struct {
	Dir string `json:"dir"`
}

// New returns the plugin.
func New() *sdk.Plugin {
	p := &provider{}
	return &sdk.Plugin{
		Name: "lab", Version: Version,
		Doc: "The embedded lab: two regions of three zones on this machine, as real processes. Start one with `gameday lab up`.",
		Config: sdk.Schema{Attributes: []sdk.Attribute{{
			Name: "dir", Type: sdk.String, Doc: "The lab's state directory. By default the one that `gameday lab up` uses.",
		}}},
		Outputs: outputs(), Configure: p.configure, Observe: p.observe, Sweep: p.sweep,
		Targets: map[string]sdk.TargetType{
			"lab_zone": &zones{p}, "lab_region": &regions{p}, "lab_service": &services{p}, "lab_link": &links{p},
		},
		Faults: map[string]sdk.Fault{
			"lab_zone_outage": &fault{p, zoneOutage()}, "lab_zone_isolation": &fault{p, zoneIsolation()},
			"lab_latency": &fault{p, zoneLatency()}, "lab_quota_exhaustion": &fault{p, quotaExhaustion()},
			"lab_dns_failure": &fault{p, dnsFailure()}, "lab_region_outage": &fault{p, regionOutage()},
			"lab_link_latency": &fault{p, linkLatency()},
		},
		Actions: map[string]sdk.Action{"lab_region_failover": &failover{p}},
	}
}

func outputs() []sdk.Attribute {
	text := func(name, doc string) sdk.Attribute { return sdk.Attribute{Name: name, Type: sdk.String, Doc: doc} }
	return []sdk.Attribute{
		text("dns", "Address of the lab's DNS server, for a probe's resolver."),
		{Name: "port", Type: sdk.Number, Doc: "Port of the load balancers of both regions."},
		text("url", "The shop as its users reach it: http://shop.lab.test:PORT. Needs the lab's resolver."),
		text("east_url", "The load balancer of region east, by address."),
		text("west_url", "The load balancer of region west, by address."),
		text("control_url", "The supervisor's control API."),
		text("nats_east", "NATS URLs of region east, separated by commas."),
		text("nats_west", "NATS URLs of region west, separated by commas."),
		text("stream", "Name of the stream of orders."),
		text("subject", "Subject under which the stream takes messages: SUBJECT.anything."),
		text("id", "Identity of this lab; another for every `gameday lab up`."),
	}
}

func (p *provider) configure(ctx context.Context, set sdk.Settings) (map[string]any, []sdk.Problem, error) {
	var c config
	if err := set.Decode(&c); err != nil {
		return nil, nil, err
	}
	dir, err := labdir.Default()
	if c.Dir != "" {
		dir, err = labdir.Absolute(c.Dir)
	}
	if err != nil {
		return nil, nil, err
	}
	p.mu.Lock()
	p.dir = dir
	p.mu.Unlock()
	w, err := p.open(ctx)
	if errors.Is(err, labdir.ErrNoLab) {
		return nil, []sdk.Problem{p.noLab()}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer w.Close()
	return values(w.lab), nil, nil
}

func values(lab labdir.Lab) map[string]any {
	return map[string]any{
		"dns": lab.DNS(), "port": lab.Port(), "id": lab.ID, "control_url": "http://" + lab.Control(),
		"url":      fmt.Sprintf("http://%s:%d", layout.Service, lab.Port()),
		"east_url": "http://" + lab.LB(layout.East), "west_url": "http://" + lab.LB(layout.West),
		"nats_east": lab.ClientURLs(layout.East), "nats_west": lab.ClientURLs(layout.West),
		"stream": orders.Stream, "subject": "orders",
	}
}

func (p *provider) where() labdir.Dir {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dir
}

func (p *provider) noLab() sdk.Problem {
	return sdk.Problem{
		Severity: sdk.Error, Summary: "No lab is running",
		Detail: "start one with: gameday lab up" + dirFlag(p.where()),
	}
}

// dirFlag is what a person has to add to a command for a lab that is not in the usual place.
func dirFlag(dir labdir.Dir) string {
	if usual, err := labdir.Default(); err == nil && usual == dir {
		return ""
	}
	return " -dir " + string(dir)
}

// world is the lab at one moment, open for questions.
type world struct {
	*control.Client
	dir labdir.Dir
	lab labdir.Lab
}

// open reaches the session's lab, or says labdir.ErrNoLab.
func (p *provider) open(ctx context.Context) (*world, error) {
	return openDir(ctx, p.where())
}

func openDir(ctx context.Context, dir labdir.Dir) (*world, error) {
	if dir == "" {
		return nil, fmt.Errorf("%w: the plugin is not configured", labdir.ErrNoLab)
	}
	client, lab, err := control.Dial(dir)
	if err != nil {
		return nil, err
	}
	ps, err := dir.LoadProcesses()
	if err != nil {
		return nil, err
	}
	if !alive(ps.Supervisor) {
		return nil, labdir.ErrNoLab
	}
	return &world{Client: client, dir: dir, lab: lab}, ctx.Err()
}

// alive says whether the supervisor lives. When it does not, neither does anything else of the lab: the kernel kills its
// children with it.
func alive(supervisor proc.ID) bool { return supervisor.Alive() }
