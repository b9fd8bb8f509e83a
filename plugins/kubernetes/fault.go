package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/records"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// kind is what sets one fault apart from the others. U is what it has to know beside the changes of objects.
type kind[U any] struct {
	name   string
	schema sdk.Schema
	// targets are the types of target that the fault takes.
	targets []string
	// needs are the permissions that the fault takes on these targets, whatever comes out of the plan. Without targets they
	// are those of every such fault, for the reference.
	needs func([]sdk.Target) []access.Need
	// also are permissions that depend on the attributes, or nil. Without attributes they are all that there may be.
	also func(config json.RawMessage, targets []sdk.Target) ([]access.Need, error)
	// plan reads the targets. It changes nothing.
	plan func(context.Context, *session, sdk.Request, mark.Mark) (plan[U], []sdk.Problem, error)
	// The rest is for what is more than changes of objects, and may be nil. inject comes after the changes, revert after
	// they were undone. inspect has the last word once every object shows its change.
	inject  func(context.Context, *session, sdk.Handle, U) error
	inspect func(context.Context, *session, sdk.Handle, U) (sdk.State, error)
	revert  func(context.Context, *session, sdk.Handle, U) error
}

// plan is what will be done.
type plan[U any] struct {
	own   U
	items []change.Item
	// effects are those beyond the items'. steps put back what the edits change.
	effects, steps []string
	// alone says what becomes of the fault when every process of gameday dies, if it is not that all of it stays.
	alone string
}

// undo is what is in a handle.
type undo[U any] struct {
	// Cluster tells that the handle is about this cluster; Server and Context say to people which one that is.
	Cluster string        `json:"cluster"`
	Server  string        `json:"server"`
	Context string        `json:"context,omitempty"`
	Items   []change.Item `json:"items,omitempty"`
	Own     U             `json:"own"`
}

// following is an own part of a fault that is about objects beyond its targets and items, such as the owners of its pods.
type following interface{ follows() []cluster.Ref }

// objects are those that a fault is about.
func (u undo[U]) objects() (out []cluster.Ref) {
	for _, i := range u.Items {
		out = append(out, i.Object())
	}
	if f, ok := any(u.Own).(following); ok {
		out = append(out, f.follows()...)
	}
	return out
}

type fault[U any] struct {
	p *provider
	kind[U]
}

// Schema describes the attributes of the fault's block.
func (f *fault[U]) Schema() sdk.Schema { return f.schema }

// Prepare reads the targets, and asks for every permission that will be needed.
func (f *fault[U]) Prepare(ctx context.Context, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	s := f.p.session()
	if problems := wrongTargets(f.name, f.targets, req); len(problems) > 0 {
		return sdk.Handle{}, problems, nil
	}
	needs, err := f.needsOf(req.Config, req.Targets)
	if err != nil {
		return sdk.Handle{}, nil, err
	}
	problems, err := s.lacking(ctx, f.name, slices.Concat(s.records.Needs(), s.watchdogs.needs(s.records.Namespace), needs))
	if err != nil || len(problems) > 0 {
		return sdk.Handle{}, problems, err
	}
	watched, err := s.watchdogLacks(ctx, f.name, needs)
	if err != nil || sdk.HasErrors(watched) {
		return sdk.Handle{}, watched, err
	}
	h := sdk.Handle{ID: strings.TrimPrefix(req.Run+"/"+req.ID, "/")}
	m := mark.Of(req.Run, h.ID)
	p, problems, err := f.plan(ctx, s, req, m)
	if err != nil || sdk.HasErrors(problems) {
		return sdk.Handle{}, problems, err
	}
	problems = append(problems, slices.Concat(watched, held(p.items))...)
	p.describe(s, m, &h)
	h.Undo, err = json.Marshal(undo[U]{Cluster: s.cluster.UID, Server: s.cluster.Server, Context: s.cluster.Context, Items: p.items, Own: p.own})
	if err != nil {
		return sdk.Handle{}, nil, fmt.Errorf("writing the handle of %s: %w", req.ID, err)
	}
	if len(h.Undo) > records.MaxHandle/2 { // the targets and what is for people take about as much
		problems = append(problems, problem("targets", fmt.Sprintf("%d targets are more than one handle can hold", len(req.Targets)), "Use several faults."))
	}
	return h, problems, nil
}

// held finds the objects that another fault has changed: it would be taken for the normal state.
func held(items []change.Item) (out []sdk.Problem) {
	for _, i := range items {
		if i.Edit != nil && i.Edit.Held() != "" {
			out = append(out, problem("targets", fmt.Sprintf("%s is held already by %s", i.Object(), i.Edit.Held()),
				"Undo that first, with gameday recover or gameday sweep."))
		}
	}
	return out
}

// describe tells people what will be done, and how to undo it by hand.
func (p plan[U]) describe(s *session, m mark.Mark, h *sdk.Handle) {
	for _, i := range p.items {
		h.Effects = append(h.Effects, i.Effects()...)
	}
	h.Effects = append(h.Effects, p.effects...)
	h.Effects = append(h.Effects, fmt.Sprintf("record the fault in %s as the ConfigMap %s/%s", s.cluster.Server, s.records.Namespace, records.Name(m)), s.watchdogs.effect(s.records.Namespace, m.Run, p.alone))
	h.Steps = append(h.Steps, p.steps...)
	for _, i := range slices.Backward(p.items) {
		o := i.Object()
		if i.Creation != nil {
			h.Steps = append(h.Steps, s.cluster.Kubectl("%s", o.Args("delete")))
		} else {
			h.Steps = append(h.Steps, s.cluster.Kubectl("%s %s- %s-", o.Args("label"), mark.FaultLabel, mark.RunLabel))
		}
	}
	if s.watchdogs.config != nil {
		h.Steps = append(h.Steps, s.watchdogSteps(m.Run)...)
	}
	h.Steps = append(h.Steps, s.cluster.Kubectl("-n %s delete configmap %s", s.records.Namespace, records.Name(m)))
}

// Inject records the fault, makes the changes and then what is more than that.
func (f *fault[U]) Inject(ctx context.Context, h sdk.Handle) error {
	s := f.p.session()
	u, err := f.read(s, h)
	if err != nil {
		return err
	}
	// A call that its caller has given up may begin after the Revert that followed it: then not even a record is made.
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m := mark.Of(h.Run, h.ID)
	if err := s.record(ctx, m, h); err != nil {
		return err
	}
	s.watcher.follow(h, u.objects())
	for _, i := range u.Items {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := i.Apply(ctx, s.cluster, m); err != nil {
			return err
		}
	}
	if f.inject == nil || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return f.inject(ctx, s, h, u.Own)
}

// Inspect asks the API server about every object. The fault is active if it is on all of them, and inactive if on none.
func (f *fault[U]) Inspect(ctx context.Context, h sdk.Handle) (sdk.State, error) {
	s := f.p.session()
	u, err := f.read(s, h)
	if err != nil {
		return sdk.State{Status: sdk.Unknown}, err
	}
	var seen []sdk.State
	for _, i := range u.Items {
		is, err := i.Look(ctx, s.cluster, mark.Of(h.Run, h.ID))
		if err != nil {
			return sdk.State{Status: sdk.Unknown}, err
		}
		seen = append(seen, state(is))
	}
	out := combine(seen)
	if f.inspect == nil || len(seen) > 0 && out.Status != sdk.Active {
		return out, nil
	}
	own, err := f.inspect(ctx, s, h, u.Own)
	if err != nil {
		return sdk.State{Status: sdk.Unknown}, err
	}
	own.Evidence = strings.TrimPrefix(out.Evidence+"; "+own.Evidence, "; ")
	return own, nil
}

func state(s change.Seen) sdk.State {
	switch s.There {
	case change.Yes:
		return active("%s", s.Evidence)
	case change.No:
		return inactive("%s", s.Evidence)
	}
	return unknown("%s", s.Evidence)
}

// combine is what several objects say together. Disagreement proves nothing.
func combine(states []sdk.State) sdk.State {
	var out sdk.State
	var evidence []string
	for i, s := range states {
		if i == 0 {
			out.Status = s.Status
		}
		if s.Status != out.Status {
			out.Status = sdk.Unknown
		}
		evidence = append(evidence, s.Evidence)
	}
	out.Evidence = strings.Join(evidence, "; ")
	return out
}

// Revert undoes every change, last first, and takes the record away when all is undone.
func (f *fault[U]) Revert(ctx context.Context, h sdk.Handle) error {
	s := f.p.session()
	u, err := f.read(s, h)
	if err != nil {
		return err
	}
	m := mark.Of(h.Run, h.ID)
	var errs []error
	for _, i := range slices.Backward(u.Items) {
		errs = append(errs, i.Undo(ctx, s.cluster, m))
	}
	if f.revert != nil {
		errs = append(errs, f.revert(ctx, s, h, u.Own))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.unrecord(ctx, m)
}

// read opens a handle, if it is about this cluster.
func (f *fault[U]) read(s *session, h sdk.Handle) (undo[U], error) {
	var u undo[U]
	if err := h.DecodeUndo(&u); err != nil {
		return u, err
	}
	if u.Cluster != s.cluster.UID {
		return u, fmt.Errorf("the handle %s is about the cluster %s (%s), and this is the cluster %s (%s): configure the plugin for that one",
			h.ID, u.Cluster, u.Server, s.cluster.UID, s.cluster.Server)
	}
	return u, nil
}
