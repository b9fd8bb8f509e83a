package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// targetType is one type of target. S are its selectors.
type targetType[S any] struct {
	p      *provider
	name   string
	schema sdk.Schema
	// defaults are those of the schema.
	defaults S
	needs    func(S) []access.Need
	check    func(S) []sdk.Problem
	find     func(context.Context, *session, S, int64) (sdk.Selection, []sdk.Problem, error)
}

// Schema describes the selectors of the target's block.
func (t *targetType[S]) Schema() sdk.Schema { return t.schema }

// Resolve lists what the selectors match, by namespace and name.
func (t *targetType[S]) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	c := t.defaults
	if err := req.Decode(&c); err != nil {
		return sdk.Selection{}, nil, err
	}
	if problems := t.check(c); len(problems) > 0 {
		return sdk.Selection{}, problems, nil
	}
	s := t.p.session()
	problems, err := s.lacking(ctx, t.name, t.needs(c))
	if err != nil || len(problems) > 0 {
		return sdk.Selection{}, problems, err
	}
	return t.find(ctx, s, c, req.Seed)
}

func (p *provider) targets() map[string]sdk.TargetType {
	return map[string]sdk.TargetType{
		"kubernetes_zone": p.zones(), "kubernetes_node": p.nodes(), "kubernetes_namespace": p.namespaces(),
		"kubernetes_workload": p.workloads(), "kubernetes_pod": p.pods(), "kubernetes_service": p.services(),
		"kubernetes_dns": p.dns(), "kubernetes_service_account": p.serviceAccounts(),
	}
}

// target is an object as the core sees it. Its ID is all that is needed to find it again, and to tell it from a later one of its name.
func target(name string, r cluster.Ref, attrs map[string]string) sdk.Target {
	for k, v := range attrs {
		if v == "" {
			delete(attrs, k)
		}
	}
	shown := r.Name
	if r.Namespace != "" {
		shown = r.Namespace + "/" + r.Name
	}
	return sdk.Target{Type: name, ID: fmt.Sprintf("%s %s %s", r.Arg(), shown, r.UID), Name: shown, Attrs: attrs}
}

// refOf reads the ID of a target back.
func refOf(t sdk.Target) (cluster.Ref, error) {
	f := strings.Fields(t.ID)
	if len(f) == 3 {
		for _, k := range cluster.Kinds() {
			if k.Arg() != f[0] {
				continue
			}
			namespace, name, ok := strings.Cut(f[1], "/")
			if !ok {
				namespace, name = "", f[1]
			}
			return cluster.Ref{Kind: k, Namespace: namespace, Name: name, UID: f[2]}, nil
		}
	}
	return cluster.Ref{}, fmt.Errorf("%q is no target of this plugin", t.ID)
}

// refs reads the IDs of targets, and passes over what is none: the plan says so where it matters. A name that is not known yet is
// empty.
func refs(targets []sdk.Target) (out []cluster.Ref) {
	for _, t := range targets {
		if r, err := refOf(t); err == nil {
			if r.Name == anyName {
				r.Name = ""
			}
			out = append(out, r)
		}
	}
	return out
}

// namespacesOf are the namespaces that targets are in, each once; without targets, all of them.
func namespacesOf(targets []sdk.Target) (out []string) {
	for _, r := range refs(targets) {
		if !slices.Contains(out, r.Namespace) {
			out = append(out, r.Namespace)
		}
	}
	if targets == nil {
		out = []string{""}
	}
	return out
}

// goneProblem says that a target is no longer what was planned for.
func goneProblem(t sdk.Target) sdk.Problem {
	return problem("targets", t.Name+" is gone, or another one of its name has taken its place", "Plan again.")
}

// checkSelector finds the mistakes in a label selector.
func checkSelector(selector string) []sdk.Problem {
	if _, err := labels.Parse(selector); err != nil {
		return []sdk.Problem{problem("selector", sentence(err), "Write it as for kubectl -l, such as app=web,tier!=cache.")}
	}
	return nil
}

// missing finds the names in an attribute that nothing has.
func missing(what, attribute string, names, there []string) (out []sdk.Problem) {
	for i, name := range names {
		if !slices.Contains(there, name) {
			out = append(out, problem(fmt.Sprintf("%s.%d", attribute, i), fmt.Sprintf("There is no %s %q", what, name), near(there)))
		}
	}
	return out
}

// near lists some of what there is.
func near(there []string) string {
	const most = 10
	there = slices.Compact(slices.Sorted(slices.Values(there)))
	switch {
	case len(there) == 0:
		return "There is none at all that the other selectors match."
	case len(there) > most:
		return fmt.Sprintf("There are %s and %d more.", strings.Join(there[:most], ", "), len(there)-most)
	}
	return fmt.Sprintf("There are: %s.", strings.Join(there, ", "))
}
