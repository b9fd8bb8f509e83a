package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/divert"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// diverted is a failure on the way: a table in a namespace that leads queries to a forwarder of this process. When the
// process dies, the table lapses.
type diverted struct {
	Namespace netns.Ref    `json:"namespace"`
	Table     string       `json:"table"`
	Comment   string       `json:"comment"`
	Servers   []netip.Addr `json:"servers"`
}

// drainFor is how long a revert waits for answers that are under way.
const drainFor = 300 * time.Millisecond

func (d *diverted) inject(_ context.Context, p *provider, _ sdk.Handle, r rule.Rule) error {
	p.release(d.Table)
	ns, err := d.Namespace.Open()
	if err != nil {
		return err
	}
	left := p.windTime()
	if left == 0 {
		return errors.Join(errors.New("there is no lease"), ns.Close())
	}
	t := divert.Table{Name: d.Table, Comment: d.Comment, Clients: r.Clients}
	var uses []*forwarding
	free := func() {
		for _, f := range uses {
			p.leave(f, d.Table)
		}
		_ = ns.Close()
	}
	for _, server := range d.Servers {
		f, err := p.join(d.Namespace, server)
		if err != nil {
			free()
			return fmt.Errorf("forwarding to %s: %w", server, err)
		}
		uses = append(uses, f)
		f.set.Put(d.Table, r, time.Time{})
		t.Servers = append(t.Servers, divert.Server{Addr: server, Local: f.local})
	}
	if err := t.Build(ns, left); err != nil {
		free()
		return err
	}
	p.hold(d.Table, func(_ context.Context, left time.Duration) error {
		err := t.Wind(ns, left)
		if errors.Is(err, divert.ErrLapsed) {
			return errLapsed
		}
		return err
	}, free)
	return nil
}

func (d *diverted) inspect(context.Context) (sdk.State, error) {
	v, there, err := d.look()
	switch {
	case err != nil:
		return sdk.State{}, err
	case !there:
		return inactive("the network namespace is gone, and its rules with it"), nil
	case !v.There:
		return inactive("there is no table inet %s", d.Table), nil
	case v.Left == 0:
		return inactive("the kernel has ended the fault by itself: the rules of table inet %s match nothing any more", d.Table), nil
	}
	return active("table inet %s, which the kernel ends in %.1f s unless it is renewed, has diverted %d packets", d.Table, v.Left.Seconds(), v.Packets), nil
}

// look reads the table back. It is not there in a namespace that is gone.
func (d *diverted) look() (divert.View, bool, error) {
	ns, err := d.Namespace.Open()
	if errors.Is(err, netns.ErrGone) {
		return divert.View{}, false, nil
	}
	if err != nil {
		return divert.View{}, false, err
	}
	v, err := divert.Look(ns, d.Table)
	return v, true, errors.Join(err, ns.Close())
}

// revert lets new queries pass first, and takes the table away when the answers under way have gone back through it.
func (d *diverted) revert(ctx context.Context, p *provider) error {
	k := p.pause(d.Table)
	if k != nil {
		defer k.free()
	}
	ns, err := d.Namespace.Open()
	if errors.Is(err, netns.ErrGone) {
		return nil // and the table went with it
	}
	if err != nil {
		return err
	}
	defer func() { _ = ns.Close() }()
	t := divert.Table{Name: d.Table}
	if k != nil {
		if err := t.Halt(ns); err != nil {
			return err
		}
		p.drain(ctx, d.Namespace, d.Table)
	}
	return t.Remove(ns)
}

func (d *diverted) byHand() []string {
	command := "nft delete table inet " + d.Table
	if d.Namespace.Path != netns.Own {
		command = fmt.Sprintf("nsenter --net=%s %s", d.Namespace.Path, command)
	}
	return []string{command}
}

// planTraffic decides what will be diverted, and says what is missing.
func planTraffic(req sdk.Request, r rule.Rule, t sdk.Target) (planned, []sdk.Problem, error) {
	d, problems := takeTraffic(t)
	if len(problems) > 0 {
		return planned{}, problems, nil
	}
	d.Table, d.Comment = tableName(req, t.ID), comment(req)
	out := planned{item: item{Traffic: d}, steps: d.byHand(), effect: fmt.Sprintf(
		"%s %s; all DNS (port 53, UDP and TCP) between clients of %s and %v goes through gameday meanwhile, by the nftables table inet %s", r, r.Answer(), t.Name, d.Servers, d.Table)}
	if problems := lacksTraffic(d); len(problems) > 0 {
		return out, problems, nil
	}
	problems, err := d.occupied(req)
	if err != nil || len(problems) > 0 {
		return out, problems, err
	}
	for _, server := range d.Servers {
		if _, err := localFor(d.Namespace, server); err != nil {
			return out, []sdk.Problem{problem("targets", fmt.Sprintf("%s has no way to the server %s", t.Name, server), err.Error())}, nil
		}
	}
	return out, tryTable(d), nil
}

// occupied finds a fault of another run that stands in the namespace. Two tables would not know of each other's forwarder.
func (d *diverted) occupied(req sdk.Request) ([]sdk.Problem, error) {
	ns, err := d.Namespace.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = ns.Close() }()
	names, err := divert.Find(ns)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		v, err := divert.Look(ns, name)
		if err != nil {
			return nil, err
		}
		run, id := readComment(v.Comment)
		if v.Left > 0 && run != req.Run {
			return []sdk.Problem{problem("targets", fmt.Sprintf("The DNS of %s is held already by %s", d.Namespace.Path, id), "Undo that first, with gameday recover or gameday sweep.")}, nil
		}
	}
	return nil, nil
}

// tryTable builds the table in a namespace that nothing is in, to see whether this kernel can.
func tryTable(d *diverted) []sdk.Problem {
	try := divert.Table{Name: d.Table, Comment: d.Comment}
	for _, s := range d.Servers {
		try.Servers = append(try.Servers, divert.Server{Addr: s, Local: netip.AddrPortFrom(s, 1)})
	}
	return untried(netns.Empty(func(ns *os.File) error {
		if err := try.Build(ns, windFor); err != nil {
			return err
		}
		return try.Remove(ns) // the first thread of a process cannot end, and would keep the namespace, and the table for Sweep to find
	}))
}
