package dns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A failure is one rule, and the way in which it comes to the clients of each target.

type fault struct{ p *provider }

// undo is what is in a handle.
type undo struct {
	Rule  rule.Rule `json:"rule"`
	Items []item    `json:"items"`
}

// item is one target: exactly one of the two ways.
type item struct {
	Traffic  *diverted `json:"traffic,omitempty"`
	Resolver *ruled    `json:"resolver,omitempty"`
}

// way is how a rule comes to the clients of a target.
type way interface {
	// inject makes the fault, inspect asks for it past this process, and revert returns when it is seen to be gone.
	inject(ctx context.Context, p *provider, h sdk.Handle, r rule.Rule) error
	inspect(ctx context.Context) (sdk.State, error)
	revert(ctx context.Context, p *provider) error
}

func (i item) way() way {
	if i.Traffic != nil {
		return i.Traffic
	}
	return i.Resolver
}

// Prepare reads the targets.
func (f *fault) Prepare(ctx context.Context, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	r, problems, err := ruleOf(req)
	if err != nil || sdk.HasErrors(problems) {
		return sdk.Handle{}, problems, err
	}
	if len(req.Targets) == 0 {
		return sdk.Handle{}, []sdk.Problem{problem("targets", "The fault has no targets", "Give it a target block of type dns_traffic or dns_resolver.")}, nil
	}
	u, h := undo{Rule: r}, sdk.Handle{}
	for _, t := range req.Targets {
		one, found, err := f.plan(ctx, req, r, t)
		if err != nil {
			return sdk.Handle{}, nil, fmt.Errorf("reading %s: %w", t.Name, err)
		}
		problems = append(problems, found...)
		u.Items = append(u.Items, one.item)
		h.Effects, h.Steps = append(h.Effects, one.effect), append(h.Steps, one.steps...)
	}
	if h.Undo, err = json.Marshal(u); err != nil {
		return sdk.Handle{}, nil, fmt.Errorf("writing the handle of %s: %w", req.ID, err)
	}
	return h, problems, nil
}

// planned is what will be done to one target, for the revert and for people.
type planned struct {
	item   item
	effect string
	steps  []string
}

func (f *fault) plan(ctx context.Context, req sdk.Request, r rule.Rule, t sdk.Target) (planned, []sdk.Problem, error) {
	switch t.Type {
	case "dns_traffic":
		return planTraffic(req, r, t)
	case "dns_resolver":
		return f.p.planResolver(ctx, req, r, t)
	}
	return planned{}, []sdk.Problem{problem("targets", "dns_failure cannot touch a "+t.Type, "Give it a target block of type dns_traffic or dns_resolver.")}, nil
}

// Inject makes the fault at every target.
func (f *fault) Inject(ctx context.Context, h sdk.Handle) error {
	return f.each(h, false, func(w way, r rule.Rule) error {
		// A call that its caller has given up may begin after the Revert that followed it.
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return w.inject(ctx, f.p, h, r)
	})
}

// Inspect asks about every target. The fault is active if it is on all of them, and inactive if on none.
func (f *fault) Inspect(ctx context.Context, h sdk.Handle) (sdk.State, error) {
	var out sdk.State
	var evidence []string
	err := f.each(h, false, func(w way, _ rule.Rule) error {
		state, err := w.inspect(ctx)
		if len(evidence) == 0 {
			out.Status = state.Status
		}
		if state.Status != out.Status {
			out.Status = sdk.Unknown
		}
		evidence = append(evidence, state.Evidence)
		return err
	})
	if err != nil {
		return sdk.State{Status: sdk.Unknown}, err
	}
	out.Evidence = strings.Join(evidence, "; ")
	return out, nil
}

// Revert undoes every target, last first.
func (f *fault) Revert(ctx context.Context, h sdk.Handle) error {
	return f.each(h, true, func(w way, _ rule.Rule) error { return w.revert(ctx, f.p) })
}

// each does something at every target of a handle. What goes wrong at one keeps nothing from the others on the way back.
func (f *fault) each(h sdk.Handle, back bool, fn func(way, rule.Rule) error) error {
	var u undo
	if err := h.DecodeUndo(&u); err != nil {
		return err
	}
	order := slices.All(u.Items)
	if back {
		order = slices.Backward(u.Items)
	}
	var errs []error
	for i, one := range order {
		err := fn(one.way(), u.Rule)
		if err == nil {
			continue
		}
		errs = append(errs, fmt.Errorf("%s: %w", nameOf(h, i), err))
		if !back {
			break
		}
	}
	return errors.Join(errs...)
}

func nameOf(h sdk.Handle, i int) string {
	if i < len(h.Targets) {
		return h.Targets[i].Name
	}
	return h.ID
}

func problem(path, summary, detail string) sdk.Problem {
	return sdk.Problem{Severity: sdk.Error, Path: strings.Split(path, "."), Summary: summary, Detail: detail}
}

func inactive(format string, args ...any) sdk.State {
	return sdk.State{Status: sdk.Inactive, Evidence: fmt.Sprintf(format, args...)}
}

func active(format string, args ...any) sdk.State {
	return sdk.State{Status: sdk.Active, Evidence: fmt.Sprintf(format, args...)}
}
