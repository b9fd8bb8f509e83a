package host

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/tracked"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/wall"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// crowded is a table of tracked connections that is full of entries of ours. They expire by themselves, and a wall that
// touches no packet says for how long they are renewed: where it is gone, nobody renews them, whichever process that is.
type crowded struct {
	Cut cut `json:"cut"`
	// Number is the fault's own, of 28 bits: its entries carry it.
	Number uint32 `json:"number"`
	// Percent is how full the table is to be.
	Percent float64 `json:"percent"`
}

const (
	// entriesLive is the timeout of an entry. All are renewed in entryRounds turns of the winder, in less than half of it.
	entriesLive = 15 * time.Second
	entryRounds = 10
	// mostEntries bounds the processor time and the memory (some 300 bytes each) that the kernel needs for them.
	mostEntries = 1 << 20
	entrySize   = 512
)

const conntrackFault = "host_conntrack_exhaustion"

func conntrackExhaustion() kind[crowded] {
	return kind[crowded]{
		name: conntrackFault, targets: []string{"host_namespace"}, exclusive: true,
		schema: sdk.Schema{
			Doc: "The kernel's table of tracked connections is full: connections that it knows go on, and packets of new ones are dropped. The " +
				"entries expire by themselves: if every process of gameday dies at once, there is room again within 15 seconds. Only where a firewall or NAT " +
				"tracks connections does anybody notice.",
			Attributes: []sdk.Attribute{{Name: "percent", Type: sdk.Number, Default: percentAll, Doc: "How full the table is to be, whoever fills it."}},
		},
		plan: planConntrack, inject: injectConntrack, inspect: inspectConntrack, revert: revertConntrack,
	}
}

func planConntrack(_ context.Context, _ *provider, req sdk.Request, t sdk.Target) (plan[crowded], []sdk.Problem, error) {
	c := struct {
		Percent float64 `json:"percent"`
	}{percentAll}
	if err := req.Decode(&c); err != nil {
		return plan[crowded]{}, nil, err
	}
	if c.Percent <= 0 || c.Percent > percentAll {
		return plan[crowded]{}, []sdk.Problem{problem("percent", fmt.Sprintf("%v %% full", c.Percent), "Use more than 0 and at most 100.")}, nil
	}
	const fault = conntrackFault
	k, problems, err := planWall(fault, req, t, networkConfig{Protocol: "all", Direction: "in"})
	if err != nil || len(problems) > 0 {
		return plan[crowded]{}, problems, err
	}
	k.Rules.Action = wall.Watch
	e := crowded{Cut: k, Number: numberOf(k.Table), Percent: c.Percent}
	now, most, err := e.count()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPROTONOSUPPORT) {
		return plan[crowded]{}, []sdk.Problem{lacking(fault, "nf_conntrack_netlink in the kernel", "This kernel does not let its table be filled: "+err.Error())}, nil
	}
	if err != nil {
		return plan[crowded]{}, nil, err
	}
	more := e.wanted(most) - now
	if problems = append(refusedEntries(more), tryWall(fault, k.wall())...); now == 0 {
		problems = append(problems, sdk.Problem{Severity: sdk.Warning, Path: []string{"targets"}, Summary: "Nothing is tracked in " + t.Name + " at the moment",
			Detail: "Where no rule of a firewall asks for the state of connections, and no NAT is set up, the fault has no effect."})
	}
	return plan[crowded]{
		undo: e,
		effects: []string{fmt.Sprintf("put %d entries into the table of tracked connections of %s, which has %d of at most %d; the nftables table inet %s is their clock",
			more, t.Name, now, most, k.Table)},
		steps: []string{k.Place.by("nft delete table inet " + k.Table), k.Place.by(fmt.Sprintf("conntrack -D -p %d -d %s   (or wait for %v)", tracked.Protocol, tracked.Address(e.Number), entriesLive))},
	}, problems, nil
}

// numberOf is the number of the entries that belong to a table of nftables.
func numberOf(table string) uint32 { return crc32.ChecksumIEEE([]byte(table)) &^ (0xf << 28) }

func (e crowded) wanted(most int) int { return int(e.Percent / percentAll * float64(most)) }

// refusedEntries says why so many would be too many.
func refusedEntries(more int) []sdk.Problem {
	available, err := worker.Available()
	switch {
	case more <= 0:
		return []sdk.Problem{problem("percent", "The table is as full as that already", "Use more than that.")}
	case more > mostEntries:
		return []sdk.Problem{problem("targets", fmt.Sprintf("The table has room for %d more", more), fmt.Sprintf("At most %d can be filled: lower net.netfilter.nf_conntrack_max for the game day.", mostEntries))}
	case err != nil || available-int64(more)*entrySize < leastMemory:
		return []sdk.Problem{problem("", fmt.Sprintf("%d entries need %s of memory, and %s are available", more, size(int64(more)*entrySize), size(available)), fmt.Sprintf("%s have to stay available.", size(leastMemory)))}
	}
	return nil
}

// on opens the table of the namespace, or returns netns.ErrGone.
func (e crowded) on(fn func(*tracked.Table) error) error {
	ns, err := e.Cut.Place.Namespace.Open()
	if err != nil {
		return err
	}
	defer func() { _ = ns.Close() }()
	t, err := tracked.Open(ns)
	if err != nil {
		return err
	}
	return errors.Join(fn(t), t.Close())
}

func (e crowded) count() (now, most int, err error) {
	err = e.on(func(t *tracked.Table) error { now, most, err = t.Count(); return err })
	return now, most, err
}

// injectConntrack raises the wall before it fills the table: the wall is what tells Sweep of both.
func injectConntrack(ctx context.Context, p *provider, _ sdk.Handle, e crowded) error {
	if err := p.raise(e.Cut.wall(), e.Cut.Place.Namespace); err != nil {
		return err
	}
	ns, err := e.Cut.Place.Namespace.Open()
	if err != nil {
		return err
	}
	t, err := tracked.Open(ns)
	if err = errors.Join(err, ns.Close()); err != nil {
		return err
	}
	f := &filler{crowded: e, table: t}
	if err := f.grow(ctx); err != nil {
		return errors.Join(err, t.Close())
	}
	return p.also(e.Cut.Table, errand{turn: f.turn, end: t.Close})
}

// filler keeps a table full.
type filler struct {
	crowded
	table *tracked.Table
	n     int // entries, numbered from 0
	round int
}

// grow makes entries until the table is as full as it is to be.
func (f *filler) grow(ctx context.Context) error {
	const step = 20_000
	for ctx.Err() == nil {
		now, most, err := f.table.Count()
		if err != nil {
			return err
		}
		more := min(f.wanted(most)-now, step, mostEntries-f.n)
		if more <= 0 {
			return nil
		}
		if err := f.table.Set(ctx, f.Number, f.n, f.n+more, entriesLive); err != nil {
			return err
		}
		f.n += more
	}
	return context.Cause(ctx)
}

// turn renews a part of the entries, and takes what has become free.
func (f *filler) turn(ctx context.Context) error {
	f.round = (f.round + 1) % entryRounds
	if err := f.table.Set(ctx, f.Number, f.n*f.round/entryRounds, f.n*(f.round+1)/entryRounds, entriesLive); err != nil {
		return err
	}
	return f.grow(ctx)
}

func inspectConntrack(_ context.Context, _ *provider, _ sdk.Handle, e crowded) (sdk.State, error) {
	state, err := inspectWall(e.Cut.Table, e.Cut.Place.Namespace)
	if err != nil {
		return state, err
	}
	var own []int
	var now, most int
	err = e.on(func(t *tracked.Table) (err error) {
		if own, err = t.Find(e.Number); err == nil {
			now, most, err = t.Count()
		}
		return err
	})
	switch {
	case errors.Is(err, netns.ErrGone):
		return inactive("the network namespace is gone, and its table with it"), nil
	case err != nil:
		return sdk.State{}, err
	case state.Status == sdk.Inactive && len(own) == 0:
		return inactive("%s; and none of the tracked connections is of this fault", state.Evidence), nil
	}
	seen := fmt.Sprintf("%d of %d connections are tracked, %d of which are entries of this fault", now, most, len(own))
	if state.Status == sdk.Active && len(own) > 0 && now >= e.wanted(most)/100*99 {
		return active("%s", seen), nil
	}
	return unknown("%s; %s", seen, state.Evidence), nil
}

// revertConntrack takes the wall away before the entries, so that nobody renews them, whichever process that is.
func revertConntrack(_ context.Context, p *provider, _ sdk.Handle, e crowded) error {
	if err := p.raze(e.Cut.wall(), e.Cut.Place.Namespace); err != nil {
		return err
	}
	err := e.on(func(t *tracked.Table) error { return t.Clear(e.Number) })
	if errors.Is(err, netns.ErrGone) {
		return nil
	}
	return err
}
