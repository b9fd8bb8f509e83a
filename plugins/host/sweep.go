package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/wall"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// sweep finds every fault that is marked, and what stands without a mark and names itself to the kernel.
func (p *provider) sweep(ctx context.Context) ([]sdk.Handle, error) {
	out, err := p.marks.All()
	errs := []error{err}
	for _, look := range []func(context.Context) ([]sdk.Handle, error){p.sweepWorkers, p.sweepWalls} {
		more, err := look(ctx)
		errs = append(errs, err)
		for _, h := range more {
			if !slices.ContainsFunc(out, func(o sdk.Handle) bool { return o.ID == h.ID }) {
				out = append(out, h)
			}
		}
	}
	return out, errors.Join(errs...)
}

// sweepWorkers makes a handle for each worker from what is on its command line.
func (p *provider) sweepWorkers(context.Context) ([]sdk.Handle, error) {
	found, err := worker.Find("")
	if err != nil {
		return nil, err
	}
	loads := map[string][]load{}
	for _, f := range found {
		loads[f.Spec.Handle] = append(loads[f.Spec.Handle], load{f.Spec})
	}
	var out []sdk.Handle
	for id, items := range loads {
		h, err := unmarked(id, items[0].Run, items[0].Fault, undo[load]{Boot: items[0].Boot, Items: items})
		if err != nil {
			return nil, err
		}
		for _, l := range items {
			h.Steps = append(h.Steps, l.byHand())
		}
		out = append(out, h)
	}
	return out, nil
}

// unmarked is the handle of a fault of which only what the kernel shows is known.
func unmarked[U any](id, run, fault string, u undo[U]) (sdk.Handle, error) {
	b, err := json.Marshal(u)
	if err != nil {
		return sdk.Handle{}, fmt.Errorf("writing the handle of %s: %w", id, err)
	}
	return sdk.Handle{ID: id, Run: run, Plugin: "host", Version: Version, Fault: fault, Undo: b}, nil
}

// sweepWalls makes a handle for each table of ours, in every network namespace that can be found.
func (p *provider) sweepWalls(context.Context) ([]sdk.Handle, error) {
	if !capNet.has() {
		return nil, nil // and so none of our faults was made without it
	}
	var out []sdk.Handle
	var errs []error
	for _, path := range netns.Everywhere() {
		more, err := p.wallsIn(path)
		if err != nil && !unseen(err) {
			errs = append(errs, fmt.Errorf("looking into the network namespace %s: %w", path, err))
		}
		out = append(out, more...)
	}
	return out, errors.Join(errs...)
}

func (p *provider) wallsIn(path string) ([]sdk.Handle, error) {
	ref, err := netns.Of(path)
	if err != nil {
		return nil, err
	}
	ns, err := ref.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = ns.Close() }()
	names, err := wall.Find(ns)
	var out []sdk.Handle
	for _, name := range names {
		v, errLook := wall.Look(ns, name)
		err = errors.Join(err, errLook)
		if errLook != nil || !v.There {
			continue
		}
		h, errHandle := p.fromComment(name, v.Comment, ref)
		err = errors.Join(err, errHandle)
		out = append(out, h)
	}
	return out, err
}

// fromComment makes a handle of what is written on a table's rules.
func (p *provider) fromComment(name, text string, ref netns.Ref) (sdk.Handle, error) {
	fault, run, id := "host_partition", "", name
	if f := strings.SplitN(text, " ", 4); len(f) == 4 && f[0] == "gameday" {
		fault, run, id = f[1], f[2], f[3]
	}
	c := cut{Place: place{Namespace: ref}, Table: name, Comment: text}
	if f := strings.SplitN(fault, ",", 4); len(f) == 4 { // there is a queue as well
		s := shaped{Cut: c}
		index, errIndex := strconv.Atoi(f[1])
		major, errMajor := strconv.ParseUint(f[2], 10, 16)
		if err := errors.Join(errIndex, errMajor); err != nil {
			return sdk.Handle{}, fmt.Errorf("reading what is written on the table %s: %w", name, err)
		}
		s.Cut.Place.Index, s.Cut.Place.Interface = index, f[3]
		s.Tree.Index, s.Tree.Major = index, uint16(major)
		h, err := unmarked(id, run, f[0], undo[shaped]{Boot: p.boot, Items: []shaped{s}})
		h.Steps = s.byHand()
		return h, err
	}
	if fault == conntrackFault { // there are entries as well
		h, err := unmarked(id, run, fault, undo[crowded]{Boot: p.boot, Items: []crowded{{Cut: c, Number: numberOf(name)}}})
		h.Steps = []string{c.Place.by("nft delete table inet " + name)}
		return h, err
	}
	h, err := unmarked(id, run, fault, undo[cut]{Boot: p.boot, Items: []cut{c}})
	h.Steps = []string{c.Place.by("nft delete table inet " + name)}
	return h, err
}

// unseen says that a namespace has ended meanwhile, or is not made yet, or is not ours to see.
func unseen(err error) bool {
	for _, is := range []error{fs.ErrNotExist, fs.ErrPermission, netns.ErrGone, netns.ErrNone} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}
