package kubernetes

import (
	"context"
	"fmt"

	autoscaling "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// scaled are workloads that have another number of replicas. The number is written to the workload itself and not to its scale
// subresource, so that it arrives in one request with the mark. When every process of ours dies at once, the number stays.
type scaled struct {
	Workloads []cluster.Ref `json:"workloads"`
	Replicas  int64         `json:"replicas"`
}

func scale() kind[scaled] {
	return kind[scaled]{
		name: "kubernetes_scale", targets: []string{"kubernetes_workload"},
		schema: sdk.Schema{
			Doc: "The workloads have another number of replicas, by default none. If every process of gameday dies at once, they keep it until gameday recover.",
			Attributes: []sdk.Attribute{
				{Name: "replicas", Type: sdk.Number, Default: 0, Doc: "How many replicas each of them has meanwhile."},
			},
		},
		needs: scaleNeeds, plan: planScale, inspect: inspectScale,
	}
}

func scaleNeeds(targets []sdk.Target) (out []access.Need) {
	all := refs(targets)
	if targets == nil {
		all = []cluster.Ref{{Kind: cluster.Deployments}, {Kind: cluster.StatefulSets}, {Kind: cluster.ReplicaSets}}
	}
	for _, r := range all {
		out = append(out, access.On(r.Kind, r.Namespace, r.Name, "get", "patch")...)
		out = append(out, access.On(cluster.HorizontalPodAutoscalers, r.Namespace, "", "list")...)
	}
	return out
}

func planScale(ctx context.Context, s *session, req sdk.Request, _ mark.Mark) (p plan[scaled], problems []sdk.Problem, err error) {
	var c struct {
		Replicas int64 `json:"replicas"`
	}
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	if c.Replicas < 0 {
		return p, []sdk.Problem{problem("replicas", "A negative number of replicas", "Use 0 or more.")}, nil
	}
	p.own.Replicas = c.Replicas
	for _, t := range req.Targets {
		r, o, found, err := s.take(ctx, t)
		if err != nil {
			return p, nil, err
		}
		if problems = append(problems, found...); len(found) > 0 {
			continue
		}
		before, ok := replicas(o)
		if !ok {
			problems = append(problems, problem("targets", fmt.Sprintf("%s has no number of replicas", r), "Choose deployments, statefulsets or replicasets."))
			continue
		}
		edit, err := change.NewEdit(r.Kind, o, change.Set{Path: change.At("spec", "replicas"), Value: c.Replicas})
		if err != nil {
			return p, nil, err
		}
		if len(edit.Fields) == 0 {
			problems = append(problems, problem("targets", fmt.Sprintf("%s has %d replicas already", r, c.Replicas), "The fault would show nothing. Choose another number or another workload."))
			continue
		}
		scalers, err := s.autoscalers(ctx, r, c.Replicas)
		if err != nil {
			return p, nil, err
		}
		problems = append(problems, scalers...)
		p.items = append(p.items, change.Item{Edit: &edit})
		p.own.Workloads = append(p.own.Workloads, r)
		p.steps = append(p.steps, s.cluster.Kubectl("%s --replicas=%d", r.Args("scale"), before))
	}
	return p, problems, nil
}

// take reads the object of a target, if it is the one that was planned for.
func (s *session) take(ctx context.Context, t sdk.Target) (cluster.Ref, *unstructured.Unstructured, []sdk.Problem, error) {
	r, err := refOf(t)
	if err != nil {
		return r, nil, []sdk.Problem{problem("targets", sentence(err), "Give the fault a target block of this plugin.")}, nil
	}
	o, err := s.cluster.Find(ctx, r)
	if err == nil && o == nil {
		return r, nil, []sdk.Problem{goneProblem(t)}, nil
	}
	return r, o, nil, err
}

// autoscalers says what becomes of the autoscalers of a workload. One that finds no replicas leaves it at that; to any other
// number it would add, or take away from it.
func (s *session) autoscalers(ctx context.Context, r cluster.Ref, wanted int64) (out []sdk.Problem, err error) {
	err = cluster.Pages(ctx, "", func(ctx context.Context, o metav1.ListOptions) (string, error) {
		page, err := s.cluster.Typed.AutoscalingV2().HorizontalPodAutoscalers(r.Namespace).List(ctx, o)
		if err != nil {
			return "", fmt.Errorf("listing the autoscalers of %s: %w", r.Namespace, s.cluster.Explain(err))
		}
		for _, h := range page.Items {
			if of := h.Spec.ScaleTargetRef; of.Kind == r.Kind.Kind && of.Name == r.Name {
				out = append(out, autoscaled(h, r, wanted))
			}
		}
		return page.Continue, nil
	})
	return out, err
}

func autoscaled(h autoscaling.HorizontalPodAutoscaler, r cluster.Ref, wanted int64) sdk.Problem {
	if wanted == 0 {
		return warning("targets", fmt.Sprintf("The autoscaler %s rests while %s has no replicas", h.Name, r), "It goes on by itself once they are back.")
	}
	return problem("replicas", fmt.Sprintf("The autoscaler %s would change the replicas of %s again", h.Name, r), "Use replicas = 0, at which it rests, or change the autoscaler.")
}

// inspectScale says whether the controller has done what the number says. Pods that are about to end do not count for it.
func inspectScale(ctx context.Context, s *session, _ sdk.Handle, u scaled) (sdk.State, error) {
	for _, r := range u.Workloads {
		o, err := s.cluster.Find(ctx, r)
		if err != nil {
			return sdk.State{}, err
		}
		if o == nil {
			return inactive("%s is gone", r), nil
		}
		seen, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
		has, _, _ := unstructured.NestedInt64(o.Object, "status", "replicas")
		if seen < o.GetGeneration() || has != u.Replicas {
			return unknown("%s still has %d pods", r, has), nil
		}
	}
	return active("the pods are as many as that"), nil
}
