package kubernetes

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// nothing is what a fault has to know that is changes of objects and nothing else.
type nothing struct{}

// nodeCordon keeps new pods from nodes. When every process of ours dies at once, they stay away.
func nodeCordon() kind[nothing] {
	return kind[nothing]{
		name: "kubernetes_node_cordon", targets: []string{"kubernetes_node"},
		schema: sdk.Schema{Doc: "The nodes take no new pods. Those that run there go on. If every process of gameday dies at once, the nodes stay cordoned until gameday recover."},
		needs:  nodeNeeds,
		plan: func(ctx context.Context, s *session, req sdk.Request, _ mark.Mark) (plan[nothing], []sdk.Problem, error) {
			return planNodes[nothing](ctx, s, req.Targets, cordonWish())
		},
	}
}

// nodeNeeds are the permissions for changing nodes.
func nodeNeeds(targets []sdk.Target) (out []access.Need) {
	if targets == nil {
		return access.On(cluster.Nodes, "", "", "get", "patch")
	}
	for _, r := range refs(targets) {
		out = append(out, access.On(cluster.Nodes, "", r.Name, "get", "patch")...)
	}
	return out
}

func cordonWish() change.Set {
	return change.Set{Path: change.At("spec", "unschedulable"), Value: true}
}

// planNodes plans the same change for each of the nodes. One that has it already is a mistake: the fault would show nothing there.
func planNodes[U any](ctx context.Context, s *session, targets []sdk.Target, wishes ...change.Set) (p plan[U], problems []sdk.Problem, err error) {
	for _, t := range targets {
		r, o, found, err := s.take(ctx, t)
		if err != nil {
			return p, nil, err
		}
		if problems = append(problems, found...); len(found) > 0 {
			continue
		}
		edit, err := change.NewEdit(r.Kind, o, wishes...)
		if err != nil {
			return p, nil, err
		}
		if len(edit.Fields) == 0 {
			problems = append(problems, problem("targets", fmt.Sprintf("%s is like that already", r), "The fault would show nothing there. Choose another node."))
			continue
		}
		p.items = append(p.items, change.Item{Edit: &edit})
		p.steps = append(p.steps, s.nodeSteps(edit)...)
	}
	return p, problems, nil
}

// nodeSteps put the changes of a node back by hand.
func (s *session) nodeSteps(e change.Edit) (out []string) {
	for _, f := range e.Fields {
		if f.Path.String() == cordonWish().Path.String() {
			out = append(out, s.cluster.Kubectl("uncordon %s", e.Object.Name))
			continue
		}
		taint := f.Path[len(f.Path)-1].Element
		out = append(out, s.cluster.Kubectl("taint node %s %s:%s-", e.Object.Name, taint["key"], taint["effect"]))
	}
	return out
}

type taintConfig struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

// nodeTaint taints nodes. When every process of ours dies at once, they stay tainted.
func nodeTaint() kind[nothing] {
	return kind[nothing]{
		name: "kubernetes_node_taint", targets: []string{"kubernetes_node"},
		schema: sdk.Schema{
			Doc: "The nodes have a taint. With NoExecute, pods that do not tolerate it have to leave; what controls them makes others elsewhere, and they do not " +
				"come back by themselves. If every process of gameday dies at once, the nodes stay tainted until gameday recover.",
			Attributes: []sdk.Attribute{
				{Name: "key", Type: sdk.String, Default: "gameday/taint", Doc: "The key of the taint."},
				{Name: "value", Type: sdk.String, Default: "", Doc: "Its value."},
				{Name: "effect", Type: sdk.String, Default: "NoExecute", OneOf: []string{"NoExecute", "NoSchedule", "PreferNoSchedule"}, Doc: "What it does."},
			},
		},
		needs: nodeNeeds, plan: planTaint,
	}
}

func planTaint(ctx context.Context, s *session, req sdk.Request, _ mark.Mark) (p plan[nothing], problems []sdk.Problem, err error) {
	c := taintConfig{Key: "gameday/taint", Effect: "NoExecute"}
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	if bad := validation.IsQualifiedName(c.Key); len(bad) > 0 {
		problems = append(problems, problem("key", fmt.Sprintf("%q is no key of a taint", c.Key), strings.Join(bad, "; ")))
	}
	if bad := validation.IsValidLabelValue(c.Value); len(bad) > 0 {
		problems = append(problems, problem("value", fmt.Sprintf("%q is no value of a taint", c.Value), strings.Join(bad, "; ")))
	}
	if len(problems) > 0 {
		return p, problems, nil
	}
	if p, problems, err = planNodes[nothing](ctx, s, req.Targets, taintWish(c)); err != nil {
		return p, nil, err
	}
	for _, i := range p.items {
		if was := i.Edit.Fields[0].Before; was != nil {
			problems = append(problems, problem("key", fmt.Sprintf("%s has that taint with another value: %s", i.Object(), was), "It is somebody else's. Choose another key."))
		}
	}
	return p, problems, nil
}

// taintWish is the element of the list of taints with this key and effect.
func taintWish(c taintConfig) change.Set {
	taint := map[string]any{"key": c.Key, "effect": c.Effect}
	if c.Value != "" {
		taint["value"] = c.Value
	}
	return change.Set{Path: change.At("spec", "taints").Of(map[string]string{"key": c.Key, "effect": c.Effect}), Value: taint}
}
