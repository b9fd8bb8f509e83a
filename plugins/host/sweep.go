package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// sweep finds every fault that is marked, and what stands without a mark and names itself to the kernel.
func (p *provider) sweep(ctx context.Context) ([]sdk.Handle, error) {
	out, err := p.marks.All()
	errs := []error{err}
	for _, look := range []func(context.Context) ([]sdk.Handle, error){p.sweepWorkers} {
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
