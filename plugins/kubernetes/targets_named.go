package kubernetes

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// namedSelectors find objects of one kind by their names and labels.
type namedSelectors struct {
	Namespace string   `json:"namespace"`
	Names     []string `json:"names"`
	Selector  string   `json:"selector"`
}

func (p *provider) namespaces() sdk.TargetType {
	return &targetType[namedSelectors]{
		p: p, name: "kubernetes_namespace",
		schema: sdk.Schema{
			Doc: "Namespaces. The selector says which there are to choose from, and percentages are of those; names narrow the choice.",
			Attributes: []sdk.Attribute{
				{Name: "names", Type: sdk.StringList, Doc: "Names. Each of them has to be there."},
				{Name: "selector", Type: sdk.String, Doc: "Labels, as for kubectl -l."},
			},
		},
		needs: func(namedSelectors) []access.Need { return access.On(cluster.Namespaces, "", "", "list") },
		check: func(c namedSelectors) []sdk.Problem {
			if len(c.Names) == 0 && c.Selector == "" {
				return []sdk.Problem{problem("", "Every namespace of the cluster would match", "Give names or selector.")}
			}
			return checkSelector(c.Selector)
		},
		find: func(ctx context.Context, s *session, c namedSelectors, _ int64) (sdk.Selection, []sdk.Problem, error) {
			return s.named(ctx, "kubernetes_namespace", cluster.Namespaces, c, func(o unstructured.Unstructured) map[string]string {
				phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
				return map[string]string{"namespace": o.GetName(), "phase": phase}
			})
		},
	}
}

func (p *provider) services() sdk.TargetType {
	return &targetType[namedSelectors]{
		p: p, name: "kubernetes_service",
		schema: sdk.Schema{
			Doc: "Services. Namespace and selector say which there are to choose from, and percentages are of those; names narrow the choice.",
			Attributes: []sdk.Attribute{
				{Name: "namespace", Type: sdk.String, Required: true, Doc: "The namespace."},
				{Name: "names", Type: sdk.StringList, Doc: "Names. Each of them has to be there."},
				{Name: "selector", Type: sdk.String, Doc: "Labels of the Service itself, as for kubectl -l."},
			},
		},
		needs: func(c namedSelectors) []access.Need { return access.On(cluster.Services, c.Namespace, "", "list") },
		check: func(c namedSelectors) []sdk.Problem { return checkSelector(c.Selector) },
		find: func(ctx context.Context, s *session, c namedSelectors, _ int64) (sdk.Selection, []sdk.Problem, error) {
			return s.named(ctx, "kubernetes_service", cluster.Services, c, func(o unstructured.Unstructured) map[string]string {
				typ, _, _ := unstructured.NestedString(o.Object, "spec", "type")
				return map[string]string{"namespace": o.GetNamespace(), "type": typ}
			})
		},
	}
}

func (p *provider) serviceAccounts() sdk.TargetType {
	return &targetType[namedSelectors]{
		p: p, name: "kubernetes_service_account",
		schema: sdk.Schema{
			Doc: "Service accounts. Namespace and selector say which there are to choose from, and percentages are of those; names narrow the choice.",
			Attributes: []sdk.Attribute{
				{Name: "namespace", Type: sdk.String, Required: true, Doc: "The namespace."},
				{Name: "names", Type: sdk.StringList, Doc: "Names. Each of them has to be there."},
				{Name: "selector", Type: sdk.String, Doc: "Labels, as for kubectl -l."},
			},
		},
		needs: func(c namedSelectors) []access.Need {
			return access.On(cluster.ServiceAccounts, c.Namespace, "", "list")
		},
		check: func(c namedSelectors) []sdk.Problem { return checkSelector(c.Selector) },
		find: func(ctx context.Context, s *session, c namedSelectors, _ int64) (sdk.Selection, []sdk.Problem, error) {
			return s.named(ctx, "kubernetes_service_account", cluster.ServiceAccounts, c, func(o unstructured.Unstructured) map[string]string {
				return map[string]string{"namespace": o.GetNamespace()}
			})
		},
	}
}

// named selects objects of one kind, by name.
func (s *session) named(ctx context.Context, typ string, k cluster.Kind, c namedSelectors, attrs func(unstructured.Unstructured) map[string]string) (sdk.Selection, []sdk.Problem, error) {
	all, err := s.cluster.List(ctx, k, c.Namespace, c.Selector)
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	slices.SortFunc(all, func(a, b unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
	out := sdk.Selection{Population: len(all)}
	var there []string
	for _, o := range all {
		there = append(there, o.GetName())
		if len(c.Names) == 0 || slices.Contains(c.Names, o.GetName()) {
			out.Targets = append(out.Targets, target(typ, cluster.RefOf(k, &o), attrs(o)))
		}
	}
	return out, missing(strings.ToLower(k.Kind), "names", c.Names, there), nil
}
