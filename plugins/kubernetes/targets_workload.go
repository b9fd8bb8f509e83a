package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type workloadSelectors struct {
	Namespace string   `json:"namespace"`
	Kinds     []string `json:"kinds"`
	Names     []string `json:"names"`
	Selector  string   `json:"selector"`
}

// workloadKinds are the kinds of a workload, by their name in a scenario.
func workloadKinds() map[string]cluster.Kind {
	return map[string]cluster.Kind{
		"deployment": cluster.Deployments, "statefulset": cluster.StatefulSets, "daemonset": cluster.DaemonSets, "replicaset": cluster.ReplicaSets,
	}
}

func (p *provider) workloads() sdk.TargetType {
	return &targetType[workloadSelectors]{
		p: p, name: "kubernetes_workload",
		schema: sdk.Schema{
			Doc: "Workloads: what keeps pods running. Namespace, kinds and selector say which there are to choose from, and percentages are of those; names narrow the choice.",
			Attributes: []sdk.Attribute{
				{Name: "namespace", Type: sdk.String, Required: true, Doc: "The namespace."},
				{Name: "kinds", Type: sdk.StringList, Default: []any{"deployment", "statefulset"}, OneOf: []string{"deployment", "statefulset", "daemonset", "replicaset"}, Doc: "Which kinds of workload. A ReplicaSet that belongs to a Deployment does not count."},
				{Name: "names", Type: sdk.StringList, Doc: "Names. Each of them has to be there."},
				{Name: "selector", Type: sdk.String, Doc: "Labels of the workload itself, as for kubectl -l."},
			},
		},
		defaults: workloadSelectors{Kinds: []string{"deployment", "statefulset"}},
		needs: func(c workloadSelectors) (out []access.Need) {
			for _, name := range c.kinds() {
				out = append(out, access.On(workloadKinds()[name], c.Namespace, "", "list")...)
			}
			return out
		},
		check: func(c workloadSelectors) []sdk.Problem { return checkSelector(c.Selector) },
		find:  findWorkloads,
	}
}

// kinds are those that are asked for, in the order in which they are listed.
func (c workloadSelectors) kinds() []string {
	return slices.Compact(slices.Sorted(slices.Values(c.Kinds)))
}

func findWorkloads(ctx context.Context, s *session, c workloadSelectors, _ int64) (sdk.Selection, []sdk.Problem, error) {
	var out sdk.Selection
	var there []string
	for _, name := range c.kinds() {
		k := workloadKinds()[name]
		all, err := s.cluster.List(ctx, k, c.Namespace, c.Selector)
		if err != nil {
			return sdk.Selection{}, nil, err
		}
		slices.SortFunc(all, func(a, b unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
		for _, o := range all {
			if len(o.GetOwnerReferences()) > 0 && k == cluster.ReplicaSets {
				continue
			}
			out.Population++
			there = append(there, o.GetName())
			if len(c.Names) == 0 || slices.Contains(c.Names, o.GetName()) {
				out.Targets = append(out.Targets, workloadTarget(k, &o))
			}
		}
	}
	return out, missing("workload", "names", c.Names, there), nil
}

func workloadTarget(k cluster.Kind, o *unstructured.Unstructured) sdk.Target {
	attrs := map[string]string{"kind": strings.ToLower(k.Kind), "namespace": o.GetNamespace()}
	if n, ok := replicas(o); ok {
		attrs["replicas"] = fmt.Sprint(n)
	}
	return target("kubernetes_workload", cluster.RefOf(k, o), attrs)
}

// replicas is how many pods a workload is to have; a DaemonSet has no such number.
func replicas(o *unstructured.Unstructured) (int64, bool) {
	n, ok, err := unstructured.NestedInt64(o.Object, "spec", "replicas")
	return n, ok && err == nil
}
