package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// fault is a fault as a scenario knows it: one kind of change, or several as its parts.
type fault struct {
	name, doc string
	// targets are the types of target that it takes. None: what it hits is said elsewhere.
	targets []string
	// attributes are the fault's own, such as the switches of its parts.
	attributes []sdk.Attribute
	// parts are in the order in which they are injected; they are reverted the other way round.
	parts []part
	// chosen says which of the parts a block asks for. nil: all.
	chosen func(json.RawMessage) (func(part) bool, error)
}

// single is the fault that consists of one kind of change.
func single(p part, doc string, targets ...string) fault {
	return fault{name: p.name, doc: doc, targets: targets, parts: []part{p}}
}

// scope narrows a zone down to some of what is in it.
type scope struct {
	VPCs []string          `json:"vpcs"`
	Tags map[string]string `json:"tags"`
}

func scopeAttributes() []sdk.Attribute {
	return []sdk.Attribute{
		{Name: "vpcs", Type: sdk.StringList, Doc: "Of a zone, only what is in these VPCs. By default all."},
		{Name: "tags", Type: sdk.StringMap, Doc: "Of a zone, only what carries all these tags. By default all."},
	}
}

// carried is a fault in the hands of a provider: the implementation of sdk.Fault.
type carried struct {
	*provider
	fault
}

// undo is what is in a handle. It names the account, and never how to get into it.
type undo struct {
	Account   string   `json:"account"`
	Partition string   `json:"partition"`
	Endpoint  string   `json:"endpoint,omitempty"`
	Changes   []change `json:"changes"`
}

// takesZones says whether the fault can be asked to hit a zone.
func (f fault) takesZones() bool { return slices.Contains(f.targets, "aws_zone") }

// Schema describes the attributes of the fault's block.
func (f *carried) Schema() sdk.Schema {
	out := sdk.Schema{Doc: f.doc, Attributes: slices.Clone(f.attributes)}
	add := func(more []sdk.Attribute) {
		for _, a := range more {
			if !slices.ContainsFunc(out.Attributes, func(o sdk.Attribute) bool { return o.Name == a.Name }) {
				out.Attributes = append(out.Attributes, a)
			}
		}
	}
	for _, p := range f.parts {
		add(p.attributes)
	}
	if f.takesZones() {
		add(scopeAttributes())
	}
	return out
}

// Prepare reads the targets.
func (f *carried) Prepare(ctx context.Context, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	s, problems, err := f.check(ctx, req)
	if err != nil || sdk.HasErrors(problems) {
		return sdk.Handle{}, problems, err
	}
	plan, more, err := f.lay(ctx, s, req)
	problems = append(problems, more...)
	if err != nil || sdk.HasErrors(problems) {
		return sdk.Handle{}, problems, err
	}
	if len(plan) == 0 {
		return sdk.Handle{}, append(problems, problem("targets", "There is nothing to change in the targets", "See the warnings, or choose other targets.")), nil
	}
	more, err = f.mayChange(ctx, s, req, plan)
	problems = append(problems, more...)
	if err != nil {
		return sdk.Handle{}, problems, err
	}
	rights, note, err := f.mayCall(ctx, s, plan)
	if err != nil {
		return sdk.Handle{}, problems, err
	}
	h, err := f.handle(s, req, plan, note)
	return h, append(problems, rights...), err
}

// check finds what is wrong whatever the fault: the targets, the account.
func (f *carried) check(ctx context.Context, req sdk.Request) (*site, []sdk.Problem, error) {
	s, err := f.site(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	want := strings.Join(f.targets, " or ")
	if len(f.targets) == 0 && len(req.Targets) > 0 {
		return s, []sdk.Problem{problem("targets", f.name+" has no targets of its own", "Leave targets out.")}, nil
	}
	if len(f.targets) > 0 && len(req.Targets) == 0 {
		return s, []sdk.Problem{problem("targets", "The fault has no targets", "Give it a target block of type "+want+".")}, nil
	}
	var out []sdk.Problem
	if err := f.allowed(s.account); err != nil {
		out = append(out, problem("", fmt.Sprintf("Nothing may be changed in the account %s", s.account),
			fmt.Sprintf("The plugin's block allows the accounts %q. If this is the right account, write accounts = [%q] into the plugin's block.", f.settings.Accounts, s.account)))
	}
	for _, t := range req.Targets {
		if !slices.Contains(f.targets, t.Type) {
			out = append(out, problem("targets", fmt.Sprintf("%s cannot touch a %s", f.name, t.Type), "Give it a target block of type "+want+"."))
		} else if t.Attrs["account"] != s.account || t.Attrs["region"] != s.region {
			out = append(out, problem("targets", fmt.Sprintf("%s is in account %s, region %s, and this is account %s, region %s", t.Name, t.Attrs["account"], t.Attrs["region"], s.account, s.region),
				"Give the target and the fault the same plugin."))
		}
	}
	return s, out, nil
}

// lay plans every target for every part that is asked for, part by part. A resource that two targets lead to is changed once.
func (f *carried) lay(ctx context.Context, s *site, req sdk.Request) ([]planned, []sdk.Problem, error) {
	values := map[string]json.RawMessage{}
	if err := (sdk.Request{ID: req.ID, Config: req.Config}).Decode(&values); err != nil {
		return nil, nil, err
	}
	wanted, err := f.wanted(req.Config)
	if err != nil {
		return nil, nil, err
	}
	targets := req.Targets
	if len(f.targets) == 0 {
		targets = []sdk.Target{{Name: req.ID}}
	}
	var plan []planned
	var problems []sdk.Problem
	for _, p := range f.parts {
		if !wanted(p) {
			continue
		}
		a, err := p.ask(req, values, f.takesZones())
		if err != nil {
			return nil, nil, err
		}
		seen := map[string]bool{}
		for _, t := range targets {
			a.target = t
			more, found, err := p.plan(ctx, s, a)
			if denied := deniedProblem(s, err); denied != nil {
				return nil, append(problems, *denied), nil
			}
			if err != nil {
				return nil, nil, fmt.Errorf("reading %s for %s: %w", t.Name, p.name, err)
			}
			problems = append(problems, found...)
			for _, c := range more {
				if !seen[c.ARN] {
					plan = append(plan, c)
				}
				seen[c.ARN] = true
			}
		}
	}
	return plan, problems, nil
}

// ask gives a part its own attributes of the block, and no others.
func (p part) ask(req sdk.Request, values map[string]json.RawMessage, zones bool) (ask, error) {
	own := map[string]json.RawMessage{}
	for _, a := range p.attributes {
		if v, ok := values[a.Name]; ok && string(v) != "null" {
			own[a.Name] = v
		}
	}
	out := ask{run: req.Run, id: req.ID}
	var err error
	if out.config, err = json.Marshal(own); err != nil || !zones {
		return out, err
	}
	for name, to := range map[string]any{"vpcs": &out.scope.VPCs, "tags": &out.scope.Tags} {
		if v, ok := values[name]; ok {
			err = errors.Join(err, json.Unmarshal(v, to))
		}
	}
	return out, err
}

func (f fault) wanted(config json.RawMessage) (func(part) bool, error) {
	if f.chosen == nil {
		return func(part) bool { return true }, nil
	}
	return f.chosen(config)
}

// mayChange finds the faults that hold one of the resources already.
func (f *carried) mayChange(ctx context.Context, s *site, req sdk.Request, plan []planned) ([]sdk.Problem, error) {
	m := mark{Handle: handleID(req.Run, req.ID)}
	holders := make([]mark, len(plan))
	err := every(ctx, len(plan), func(ctx context.Context, i int) error {
		p, err := f.part(plan[i].Part)
		if err == nil {
			holders[i], _, err = p.holder(ctx, s, plan[i].ARN)
		}
		return err
	})
	if denied := deniedProblem(s, err); denied != nil {
		return []sdk.Problem{*denied}, nil
	}
	var out []sdk.Problem
	for i, holder := range holders {
		if holder.Handle != "" && holder.handleTag() != m.handleTag() {
			out = append(out, problem("targets", fmt.Sprintf("%s is held already by %s", plan[i].Name, holder.Handle), "Undo that first, with gameday recover or gameday sweep."))
		}
	}
	return out, err
}

// part finds a part by its name.
func (f fault) part(name string) (part, error) {
	for _, p := range f.parts {
		if p.name == name {
			return p, nil
		}
	}
	return part{}, fmt.Errorf("the handle has a part %q, which %s does not have", name, f.name)
}

func (f *carried) handle(s *site, req sdk.Request, plan []planned, note string) (sdk.Handle, error) {
	h := sdk.Handle{Effects: []string{fmt.Sprintf("in account %s, region %s:", s.account, s.region)}}
	u := undo{Account: s.account, Partition: s.partition, Endpoint: f.endpoint()}
	for _, c := range plan {
		u.Changes = append(u.Changes, c.change)
		h.Effects = append(h.Effects, c.effect)
	}
	for _, c := range slices.Backward(plan) {
		h.Steps = append(h.Steps, c.byHand)
	}
	if note != "" {
		h.Effects = append(h.Effects, note)
	}
	var err error
	if h.Undo, err = json.Marshal(u); err != nil {
		return sdk.Handle{}, fmt.Errorf("writing the handle of %s: %w", req.ID, err)
	}
	return h, nil
}
