package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type nodeSelectors struct {
	Zones    []string `json:"zones"`
	Names    []string `json:"names"`
	Selector string   `json:"selector"`
}

func (p *provider) nodes() sdk.TargetType {
	return &targetType[nodeSelectors]{
		p: p, name: "kubernetes_node",
		schema: sdk.Schema{
			Doc: "Nodes. The selector says which there are to choose from, and percentages are of those; zones and names narrow the choice.",
			Attributes: []sdk.Attribute{
				{Name: "zones", Type: sdk.StringList, Doc: "Zones, by the label topology.kubernetes.io/zone. Each of them has to have a node."},
				{Name: "names", Type: sdk.StringList, Doc: "Names. Each of them has to be there."},
				{Name: "selector", Type: sdk.String, Doc: "Labels, as for kubectl -l."},
			},
		},
		needs: func(nodeSelectors) []access.Need { return access.On(cluster.Nodes, "", "", "list") },
		check: func(c nodeSelectors) []sdk.Problem {
			if len(c.Zones) == 0 && len(c.Names) == 0 && c.Selector == "" {
				return []sdk.Problem{problem("", "Every node of the cluster would match", "Give zones, names or selector.")}
			}
			return checkSelector(c.Selector)
		},
		find: findNodes,
	}
}

func findNodes(ctx context.Context, s *session, c nodeSelectors, _ int64) (sdk.Selection, []sdk.Problem, error) {
	all, err := s.listNodes(ctx, c.Selector)
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	out := sdk.Selection{Population: len(all)}
	var names, zones []string
	for _, n := range all {
		names, zones = append(names, n.Name), append(zones, zoneOf(n))
		if len(c.Names) > 0 && !slices.Contains(c.Names, n.Name) || len(c.Zones) > 0 && !slices.Contains(c.Zones, zoneOf(n)) {
			continue
		}
		out.Targets = append(out.Targets, target("kubernetes_node", nodeRef(n), map[string]string{"zone": zoneOf(n), "ready": ready(n)}))
	}
	return out, append(missing("node", "names", c.Names, names), missing("zone", "zones", c.Zones, zones)...), nil
}

// listNodes gives nodes by name.
func (s *session) listNodes(ctx context.Context, selector string) (out []corev1.Node, err error) {
	err = cluster.Pages(ctx, selector, func(ctx context.Context, o metav1.ListOptions) (string, error) {
		page, err := s.cluster.Typed.CoreV1().Nodes().List(ctx, o)
		if err != nil {
			return "", fmt.Errorf("listing the nodes: %w", s.cluster.Explain(err))
		}
		out = append(out, page.Items...)
		return page.Continue, nil
	})
	slices.SortFunc(out, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

func zoneOf(n corev1.Node) string { return n.Labels[corev1.LabelTopologyZone] }

func nodeRef(n corev1.Node) cluster.Ref {
	return cluster.Ref{Kind: cluster.Nodes, Name: n.Name, UID: string(n.UID)}
}

// ready is whether the kubelet says that it is.
func ready(n corev1.Node) string {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return strings.ToLower(string(c.Status))
		}
	}
	return "unknown"
}

type zoneSelectors struct {
	Names []string `json:"names"`
}

func (p *provider) zones() sdk.TargetType {
	return &targetType[zoneSelectors]{
		p: p, name: "kubernetes_zone",
		schema: sdk.Schema{
			Doc: "Zones: all nodes with the same label topology.kubernetes.io/zone. Percentages are of the zones of the cluster.",
			Attributes: []sdk.Attribute{
				{Name: "names", Type: sdk.StringList, Required: true, Doc: "Names. Each of them has to have a node."},
			},
		},
		needs: func(zoneSelectors) []access.Need { return access.On(cluster.Nodes, "", "", "list") },
		check: func(zoneSelectors) []sdk.Problem { return nil },
		find:  findZones,
	}
}

func findZones(ctx context.Context, s *session, c zoneSelectors, _ int64) (sdk.Selection, []sdk.Problem, error) {
	all, err := s.listNodes(ctx, corev1.LabelTopologyZone)
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	count := map[string]int{}
	for _, n := range all {
		count[zoneOf(n)]++
	}
	names := slices.Sorted(maps.Keys(count))
	out := sdk.Selection{Population: len(names)}
	for _, name := range names {
		if slices.Contains(c.Names, name) {
			out.Targets = append(out.Targets, sdk.Target{
				Type: "kubernetes_zone", ID: s.cluster.UID + "/" + name, Name: name, Attrs: map[string]string{"zone": name, "nodes": fmt.Sprint(count[name])},
			})
		}
	}
	return out, missing("zone", "names", c.Names, names), nil
}
