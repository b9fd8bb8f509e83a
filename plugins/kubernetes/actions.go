package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// actor is the field manager of what actions write. It is not that of the faults, who know their own changes by it.
const actor = "gameday-action"

// stepPoll is how often it is looked whether a step has taken effect.
const stepPoll = 200 * time.Millisecond

// action is one kind of step of a runbook. C are its attributes. Each can be taken in the other direction, by the block's undo, and is
// over at once where all is as it should be.
type action[C any] struct {
	p        *provider
	name     string
	schema   sdk.Schema
	defaults C
	// targets are the types of target that the step takes.
	targets []string
	needs   func([]sdk.Target) []access.Need
	// check finds mistakes in a step on one object. It changes nothing.
	check func(context.Context, *session, C, cluster.Ref, *unstructured.Unstructured) ([]sdk.Problem, error)
	// run takes the step on one object, and says what it did.
	run func(context.Context, *session, C, cluster.Ref, *unstructured.Unstructured) (string, error)
}

// Schema describes the attributes of the action's block.
func (a *action[C]) Schema() sdk.Schema { return a.schema }

// Check asks for every permission that will be needed, and reads the targets.
func (a *action[C]) Check(ctx context.Context, req sdk.Request) ([]sdk.Problem, error) {
	c := a.defaults
	if err := req.Decode(&c); err != nil {
		return nil, err
	}
	if problems := wrongTargets(a.name, a.targets, req); len(problems) > 0 {
		return problems, nil
	}
	s := a.p.session()
	problems, err := s.lacking(ctx, a.name, a.needs(req.Targets))
	if err != nil || len(problems) > 0 {
		return problems, err
	}
	for _, t := range req.Targets {
		r, o, found, err := s.take(ctx, t)
		if err == nil && len(found) == 0 {
			found, err = a.check(ctx, s, c, r, o)
		}
		if err != nil {
			return nil, err
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

// Run takes the step on one target after the other, and returns when it has taken effect on the last.
func (a *action[C]) Run(ctx context.Context, req sdk.Request) (string, error) {
	c := a.defaults
	if err := req.Decode(&c); err != nil {
		return "", err
	}
	s := a.p.session()
	var said []string
	for _, t := range req.Targets {
		r, err := refOf(t)
		if err != nil {
			return "", err
		}
		o, err := s.free(ctx, r)
		if err != nil {
			return "", err
		}
		one, err := a.run(ctx, s, c, r, o)
		if err != nil {
			return "", err
		}
		said = append(said, one)
	}
	return fmt.Sprintf("in %s: %s", s.cluster.Title(), strings.Join(said, "; ")), nil
}

func (a *action[C]) needsOf(_ json.RawMessage, targets []sdk.Target) ([]access.Need, error) {
	return a.needs(targets), nil
}

// wrongTargets finds what is wrong with the targets of a block, whatever it does with them.
func wrongTargets(block string, types []string, req sdk.Request) (out []sdk.Problem) {
	want := "Give it a target block of type " + strings.Join(types, " or ") + "."
	if len(req.Targets) == 0 {
		return []sdk.Problem{problem("targets", block+" has no targets", want)}
	}
	for _, t := range req.Targets {
		if !slices.Contains(types, t.Type) {
			out = append(out, problem("targets", fmt.Sprintf("%s cannot touch a %s", block, t.Type), want))
		}
	}
	return out
}

// free reads an object that a step is to change, unless a fault holds it: the fault could not be undone any more.
func (s *session) free(ctx context.Context, r cluster.Ref) (*unstructured.Unstructured, error) {
	o, err := s.cluster.Find(ctx, r)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, fmt.Errorf("%s is gone, or another one of its name has taken its place", r)
	}
	if hash, run := mark.Holder(o); hash != "" {
		return nil, fmt.Errorf("%s is held by a fault of the run %s (%s), which could not be undone any more", r, run, hash)
	}
	return o, nil
}

func (p *provider) actions() map[string]sdk.Action {
	return map[string]sdk.Action{"kubernetes_scale": p.actScale(), "kubernetes_cordon": p.actCordon()}
}
