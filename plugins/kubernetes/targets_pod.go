package kubernetes

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type podSelectors struct {
	Namespace string   `json:"namespace"`
	Selector  string   `json:"selector"`
	Owner     string   `json:"owner"`
	Zones     []string `json:"zones"`
	Names     []string `json:"names"`

	MaxPercent            float64 `json:"max_percent"`
	MaxPercentPerZone     float64 `json:"max_percent_per_zone"`
	MaxPercentPerWorkload float64 `json:"max_percent_per_workload"`
}

func (p *provider) pods() sdk.TargetType {
	return &targetType[podSelectors]{
		p: p, name: "kubernetes_pod",
		schema: sdk.Schema{
			Doc: "Pods that have not ended and are not about to. Namespace, selector and owner say which there are to choose from, and " +
				"percentages are of those; zones, names and percentages narrow the choice. What a percentage leaves out is decided by the plan's seed.",
			Attributes: []sdk.Attribute{
				{Name: "namespace", Type: sdk.String, Required: true, Doc: "The namespace."},
				{Name: "selector", Type: sdk.String, Doc: "Labels, as for kubectl -l."},
				{Name: "owner", Type: sdk.String, Doc: "The workload that they belong to, such as deployment/web."},
				{Name: "zones", Type: sdk.StringList, Doc: "Zones that their nodes are in, by the label topology.kubernetes.io/zone."},
				{Name: "names", Type: sdk.StringList, Doc: "Names. Each of them has to be there."},
				{Name: "max_percent", Type: sdk.Number, Default: 100, Doc: "At most so many percent of them, rounded down."},
				{Name: "max_percent_per_zone", Type: sdk.Number, Default: 100, Doc: "At most so many percent of those in each zone, rounded down."},
				{Name: "max_percent_per_workload", Type: sdk.Number, Default: 100, Doc: "At most so many percent of each workload's, rounded down."},
			},
		},
		defaults: podSelectors{MaxPercent: 100, MaxPercentPerZone: 100, MaxPercentPerWorkload: 100},
		needs:    podSelectors.needs, check: podSelectors.check, find: findPods,
	}
}

func (c podSelectors) needs() []access.Need {
	out := append(access.On(cluster.Pods, c.Namespace, "", "list"), access.On(cluster.ReplicaSets, c.Namespace, "", "list")...)
	if c.byZone() {
		out = append(out, access.On(cluster.Nodes, "", "", "list")...)
	}
	return out
}

// byZone says whether the choice depends on zones, so that the nodes have to be read.
func (c podSelectors) byZone() bool {
	return len(c.Zones) > 0 || c.MaxPercentPerZone < 100
}

func (c podSelectors) check() []sdk.Problem {
	out := checkSelector(c.Selector)
	for name, percent := range map[string]float64{"max_percent": c.MaxPercent, "max_percent_per_zone": c.MaxPercentPerZone, "max_percent_per_workload": c.MaxPercentPerWorkload} {
		if percent <= 0 || percent > 100 {
			out = append(out, problem(name, fmt.Sprintf("%v is no percentage", percent), "Use more than 0 and at most 100."))
		}
	}
	if kind, name, ok := strings.Cut(c.Owner, "/"); c.Owner != "" && (!ok || kind == "" || name == "") {
		out = append(out, problem("owner", fmt.Sprintf("%q is no workload", c.Owner), "Write kind/name, such as deployment/web."))
	}
	return out
}

// candidate is a pod, and what the choice depends on.
type candidate struct {
	pod         corev1.Pod
	owner, zone string
}

func findPods(ctx context.Context, s *session, c podSelectors, seed int64) (sdk.Selection, []sdk.Problem, error) {
	all, err := s.candidates(ctx, c)
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	var names, zones []string
	for _, x := range all {
		names, zones = append(names, x.pod.Name), append(zones, x.zone)
	}
	out := sdk.Selection{Population: len(all)}
	for _, x := range c.choose(all, seed) {
		out.Targets = append(out.Targets, podTarget(x))
	}
	return out, append(missing("pod", "names", c.Names, names), missing("zone with such a pod", "zones", c.Zones, zones)...), nil
}

// candidates are the pods to choose from, by name.
func (s *session) candidates(ctx context.Context, c podSelectors) ([]candidate, error) {
	pods, err := s.listPods(ctx, c.Namespace, c.Selector)
	if err != nil {
		return nil, err
	}
	owners, err := s.deploymentsOf(ctx, c.Namespace)
	if err != nil {
		return nil, err
	}
	zones, err := s.zonesOfNodes(ctx, c.byZone())
	if err != nil {
		return nil, err
	}
	var out []candidate
	for _, p := range pods {
		x := candidate{pod: p, owner: ownerOf(p, owners), zone: zones[p.Spec.NodeName]}
		if over(p) || c.Owner != "" && !strings.EqualFold(c.Owner, x.owner) {
			continue
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b candidate) int { return strings.Compare(a.pod.Name, b.pod.Name) })
	return out, nil
}

// choose narrows the choice. The percentages are of all that there are to choose from, also of those that zones and names leave out.
func (c podSelectors) choose(all []candidate, seed int64) (out []candidate) {
	whole := "" // of all pods
	left := map[[2]string]int{{"", whole}: share(len(all), c.MaxPercent)}
	zones, owners := map[string]int{}, map[string]int{}
	for _, x := range all {
		zones[x.zone]++
		owners[x.owner]++
	}
	for zone, n := range zones {
		left[[2]string{"zone", zone}] = share(n, c.MaxPercentPerZone)
	}
	for owner, n := range owners {
		left[[2]string{"owner", owner}] = share(n, c.MaxPercentPerWorkload)
	}
	drawn := slices.Clone(all)
	rand.New(rand.NewPCG(uint64(seed), 0)).Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	for _, x := range drawn {
		if len(c.Names) > 0 && !slices.Contains(c.Names, x.pod.Name) || len(c.Zones) > 0 && !slices.Contains(c.Zones, x.zone) {
			continue
		}
		limits := [][2]string{{"", whole}, {"zone", x.zone}, {"owner", x.owner}}
		if slices.ContainsFunc(limits, func(l [2]string) bool { return left[l] == 0 }) {
			continue
		}
		for _, l := range limits {
			left[l]--
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b candidate) int { return strings.Compare(a.pod.Name, b.pod.Name) })
	return out
}

// share is so many percent of n, rounded down.
func share(n int, percent float64) int { return int(float64(n) * percent / 100) }

func podTarget(x candidate) sdk.Target {
	return target("kubernetes_pod", podRef(x.pod), map[string]string{
		"namespace": x.pod.Namespace, "node": x.pod.Spec.NodeName, "zone": x.zone, "owner": x.owner, "phase": string(x.pod.Status.Phase),
	})
}

// zonesOfNodes are the zones of all nodes. Where the choice does not depend on them they are only shown, and it is no
// mistake if this user may not read them.
func (s *session) zonesOfNodes(ctx context.Context, needed bool) (map[string]string, error) {
	out := map[string]string{}
	if !needed {
		lacking, err := s.access.Missing(ctx, access.On(cluster.Nodes, "", "", "list"))
		if err != nil || len(lacking) > 0 {
			return out, err
		}
	}
	nodes, err := s.listNodes(ctx, "")
	for _, n := range nodes {
		out[n.Name] = zoneOf(n)
	}
	return out, err
}
