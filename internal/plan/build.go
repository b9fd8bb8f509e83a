package plan

import (
	"context"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// World is what Build asks about the targets. Nothing it offers changes anything. The key names the plugin.
type World interface {
	Resolve(ctx context.Context, key, targetType string, req sdk.Request) (sdk.Selection, []sdk.Problem, error)
	Prepare(ctx context.Context, key, fault string, req sdk.Request) (sdk.Handle, []sdk.Problem, error)
	Check(ctx context.Context, key, action string, req sdk.Request) ([]sdk.Problem, error)
}

// Build checks a draft against the world. The notices are all the reasons why there is no plan; with any of them the
// plan is nil. The error is for a world that could not be asked.
func Build(ctx context.Context, d Draft, seed int64, w World) (*Plan, []Notice, error) {
	b := &builder{plan: &Plan{Version: FormatVersion, Seed: seed, Draft: d}, world: w}
	for _, step := range []func(context.Context) error{b.targets, b.faults, b.actions} {
		if err := step(ctx); err != nil {
			return nil, nil, err
		}
	}
	b.limits()
	if len(b.errors) > 0 {
		return nil, b.errors, nil
	}
	b.warn()
	return b.plan, nil, nil
}

type builder struct {
	plan   *Plan
	world  World
	errors []Notice
}

// take sorts problems: errors stop the plan, missing permissions stop a run, the rest are warnings.
func (b *builder) take(addr string, pos Pos, problems []sdk.Problem) (ok bool) {
	ok = true
	for _, p := range problems {
		n := Notice{Addr: addr, Problem: p, Pos: pos}
		switch {
		case p.Permission != "":
			b.plan.Permissions = append(b.plan.Permissions, n)
		case p.Severity == sdk.Error:
			b.errors = append(b.errors, n)
			ok = false
		default:
			b.plan.Warnings = append(b.plan.Warnings, n)
		}
	}
	return ok
}

func (b *builder) fail(addr string, pos Pos, path []string, summary, detail string) {
	b.errors = append(b.errors, Notice{Addr: addr, Pos: pos, Problem: sdk.Problem{Severity: sdk.Error, Path: path, Summary: summary, Detail: detail}})
}

func (b *builder) request(id string, config []byte, targets []sdk.Target) sdk.Request {
	return sdk.Request{ID: id, Config: Reveal(config, b.plan.Secrets), Targets: targets, Seed: b.plan.Seed}
}

func (b *builder) faults(ctx context.Context) error {
	b.plan.Faults = append([]Fault(nil), b.plan.Faults...)
	for i := range b.plan.Faults {
		f := &b.plan.Faults[i]
		f.Members, f.Skipped = b.members(f.Targets)
		if f.Skipped != "" {
			continue
		}
		h, problems, err := b.world.Prepare(ctx, f.Plugin, f.Type, b.request(f.Addr, f.Config, f.Members))
		if err != nil {
			return fmt.Errorf("planning %s: %w", f.Addr, err)
		}
		if b.take(f.Addr, f.Pos, problems) {
			f.Effects, f.Undo = h.Effects, h.Steps
		}
	}
	return nil
}

func (b *builder) actions(ctx context.Context) error {
	b.plan.Actions = append([]Action(nil), b.plan.Actions...)
	for i := range b.plan.Actions {
		a := &b.plan.Actions[i]
		a.Members, _ = b.members(a.Targets)
		if a.Plugin == "" {
			continue
		}
		problems, err := b.world.Check(ctx, a.Plugin, a.Type, b.request(a.Addr, a.Config, a.Members))
		if err != nil {
			return fmt.Errorf("planning %s: %w", a.Addr, err)
		}
		b.take(a.Addr, a.Pos, problems)
	}
	return nil
}
