package kubernetes

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type scaleStep struct {
	Replicas int64 `json:"replicas"`
	Ready    int64 `json:"ready"`
}

// allReady stands for as many ready replicas as there are to be.
const allReady = -1

func (p *provider) actScale() sdk.Action {
	return &action[scaleStep]{
		p: p, name: "kubernetes_scale", targets: []string{"kubernetes_workload"}, defaults: scaleStep{Ready: allReady},
		schema: sdk.Schema{
			Doc: "Each workload gets another number of replicas, and the step is done when enough of them are ready: capacity for what was lost elsewhere.",
			Attributes: []sdk.Attribute{
				{Name: "replicas", Type: sdk.Number, Required: true, Doc: "How many replicas each of them has from then on."},
				{Name: "ready", Type: sdk.Number, Default: allReady, Doc: "How many of them have to be ready; -1 stands for all."},
			},
		},
		needs: scaleNeeds, check: checkScaleStep, run: runScaleStep,
	}
}

func checkScaleStep(ctx context.Context, s *session, c scaleStep, r cluster.Ref, o *unstructured.Unstructured) (out []sdk.Problem, err error) {
	if c.Replicas < 0 {
		return []sdk.Problem{problem("replicas", "A negative number of replicas", "Use 0 or more.")}, nil
	}
	if c.Ready < allReady || c.Ready > c.Replicas {
		return []sdk.Problem{problem("ready", fmt.Sprintf("Of %d replicas %d cannot be ready", c.Replicas, c.Ready), "Use 0 to replicas, or leave it out for all of them.")}, nil
	}
	if _, ok := replicas(o); !ok {
		return []sdk.Problem{problem("targets", fmt.Sprintf("%s has no number of replicas", r), "Choose deployments, statefulsets or replicasets.")}, nil
	}
	scalers, err := s.autoscalers(ctx, r, c.Replicas)
	for _, p := range scalers {
		p.Severity = sdk.Warning // the number is a beginning, from which the autoscaler goes on
		out = append(out, p)
	}
	return out, err
}

func runScaleStep(ctx context.Context, s *session, c scaleStep, r cluster.Ref, o *unstructured.Unstructured) (string, error) {
	before, ok := replicas(o)
	if !ok {
		return "", fmt.Errorf("%s has no number of replicas", r)
	}
	if before != c.Replicas {
		if err := s.cluster.PatchAs(ctx, actor, r, fmt.Appendf(nil, `{"metadata":{"uid":%q},"spec":{"replicas":%d}}`, o.GetUID(), c.Replicas)); err != nil {
			return "", err
		}
	}
	began := time.Now()
	ready, err := s.awaitReplicas(ctx, c, r)
	return fmt.Sprintf("scaled %s from %d to %d replicas, %d ready after %v", r, before, c.Replicas, ready, time.Since(began).Round(100*time.Millisecond)), err
}

// awaitReplicas waits until enough replicas are ready, and no others are left.
func (s *session) awaitReplicas(ctx context.Context, c scaleStep, r cluster.Ref) (int64, error) {
	wanted := c.Ready
	if wanted == allReady {
		wanted = c.Replicas
	}
	tick := time.NewTicker(stepPoll)
	defer tick.Stop()
	for {
		o, err := s.cluster.Get(ctx, r)
		if err != nil {
			return 0, err
		}
		number := func(field string) int64 {
			n, _, _ := unstructured.NestedInt64(o.Object, "status", field)
			return n
		}
		ready := number("readyReplicas")
		if number("observedGeneration") >= o.GetGeneration() && ready >= wanted && number("replicas") <= c.Replicas {
			return ready, nil
		}
		select {
		case <-ctx.Done():
			return ready, fmt.Errorf("waiting for %d ready replicas of %s, of which %d are ready: %w", wanted, r, ready, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

type cordonStep struct {
	Cordoned bool `json:"cordoned"`
}

func (p *provider) actCordon() sdk.Action {
	return &action[cordonStep]{
		p: p, name: "kubernetes_cordon", targets: []string{"kubernetes_node"}, defaults: cordonStep{Cordoned: true},
		schema: sdk.Schema{
			Doc: "Nodes take no new pods, or take them again.",
			Attributes: []sdk.Attribute{
				{Name: "cordoned", Type: sdk.Bool, Default: true, Doc: "Whether they take no new pods from then on; false lets them."},
			},
		},
		needs: func(targets []sdk.Target) (out []access.Need) {
			all := refs(targets)
			if targets == nil {
				all = []cluster.Ref{{}}
			}
			for _, r := range all {
				out = append(out, access.On(cluster.Nodes, "", r.Name, "get", "patch")...)
			}
			return out
		},
		check: func(context.Context, *session, cordonStep, cluster.Ref, *unstructured.Unstructured) ([]sdk.Problem, error) {
			return nil, nil
		},
		run: runCordonStep,
	}
}

func runCordonStep(ctx context.Context, s *session, c cordonStep, r cluster.Ref, o *unstructured.Unstructured) (string, error) {
	what := map[bool]string{true: "cordoned", false: "uncordoned"}[c.Cordoned]
	if is, _, _ := unstructured.NestedBool(o.Object, "spec", "unschedulable"); is == c.Cordoned {
		return fmt.Sprintf("%s was %s already", r, what), nil
	}
	err := s.cluster.PatchAs(ctx, actor, r, fmt.Appendf(nil, `{"metadata":{"uid":%q},"spec":{"unschedulable":%t}}`, o.GetUID(), c.Cordoned))
	return what + " " + r.String(), err
}
