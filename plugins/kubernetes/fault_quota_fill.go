package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type fillConfig struct {
	Zones    []string          `json:"zones"`
	Requests map[string]string `json:"requests"`
	MaxPods  int64             `json:"max_pods"`
	Priority int64             `json:"priority"`
	Image    string            `json:"image"`
}

func fillDefaults() fillConfig {
	return fillConfig{Requests: map[string]string{"cpu": "250m"}, MaxPods: 100, Priority: -1000, Image: "registry.k8s.io/pause:3.10"}
}

func fillAttributes() []sdk.Attribute {
	d := fillDefaults()
	return []sdk.Attribute{
		{Name: "zones", Type: sdk.StringList, Doc: "For fill: only the nodes of these zones; by default all that take pods."},
		{Name: "requests", Type: sdk.StringMap, Default: map[string]any{"cpu": "250m"}, Doc: "For fill: what each pod reserves. As many are made as fit, so up to so much stays free on each node."},
		{Name: "max_pods", Type: sdk.Number, Default: d.MaxPods, Doc: "For fill: at most so many pods."},
		{Name: "priority", Type: sdk.Number, Default: d.Priority, Doc: "For fill: the priority of the pods, in a PriorityClass of gameday. Pods of a higher one push them out, and most have 0. A cluster autoscaler adds no nodes for less than -10."},
		{Name: "image", Type: sdk.String, Default: d.Image, Doc: "For fill: an image that does nothing, and goes on doing so."},
	}
}

// fill is pods that do nothing but take room.
type fill struct {
	Deployment cluster.Ref           `json:"deployment"`
	Selector   string                `json:"selector"`
	Replicas   int64                 `json:"replicas"`
	Zones      []string              `json:"zones,omitempty"`
	Names      []corev1.ResourceName `json:"names"`
	Before     string                `json:"before"`
}

func fillNeeds(ns string) []access.Need {
	out := access.On(cluster.PriorityClasses, "", "", "create", "get", "delete")
	out = append(out, access.On(cluster.Deployments, ns, "", "create", "get", "delete")...)
	out = append(out, access.On(cluster.Nodes, "", "", "list")...)
	return append(out, access.On(cluster.Pods, "", "", "list")...)
}

func planFill(ctx context.Context, s *session, c fillConfig, ns string, m mark.Mark) (p plan[exhausted], problems []sdk.Problem, err error) {
	requests, problems := c.check()
	if len(problems) > 0 {
		return p, problems, nil
	}
	nodes, pods, err := s.fillable(ctx, c.Zones)
	if err != nil {
		return p, nil, err
	}
	var places int64
	for _, n := range nodes {
		places += roomOf(n, pods).fits(requests)
	}
	if places == 0 {
		return p, []sdk.Problem{problem("requests", "There is no room for a single pod with these requests on the nodes that take pods", "Use smaller requests, or other zones.")}, nil
	}
	u := &fill{
		Deployment: cluster.Ref{Kind: cluster.Deployments, Namespace: ns, Name: m.Name("fill")}, Selector: mark.FaultLabel + "=" + m.Hash,
		Replicas: min(places, c.MaxPods), Zones: c.Zones, Names: append(slices.Sorted(maps.Keys(requests)), corev1.ResourcePods),
	}
	u.Before = inZones(nodes, pods, u.Names)
	class := change.NewCreation(cluster.PriorityClasses, "", m.Name("fill"), map[string]any{
		"value": c.Priority, "preemptionPolicy": "Never", "globalDefault": false, "description": "Pods of gameday that take room.",
	})
	deployment := change.NewCreation(cluster.Deployments, ns, u.Deployment.Name, c.deployment(u, requests, m))
	p.own, p.items = exhausted{Fill: u}, []change.Item{{Creation: &class}, {Creation: &deployment}}
	p.effects = []string{fmt.Sprintf("%d pods take %s each, of which %d would fit; free before: %s", u.Replicas, amounts(requests), places, u.Before)}
	return p, nil, nil
}

func amounts(l corev1.ResourceList) (out string) {
	for _, name := range slices.Sorted(maps.Keys(l)) {
		q := l[name]
		out += fmt.Sprintf(", %s %s", name, q.String())
	}
	return out[2:]
}

func (c fillConfig) check() (requests corev1.ResourceList, out []sdk.Problem) {
	requests = corev1.ResourceList{}
	for _, name := range slices.Sorted(maps.Keys(c.Requests)) {
		q, err := resource.ParseQuantity(c.Requests[name])
		if err != nil || q.Sign() <= 0 {
			out = append(out, problem("requests."+name, fmt.Sprintf("%q is no amount", c.Requests[name]), "Such as 250m or 256Mi."))
		}
		requests[corev1.ResourceName(name)] = q
	}
	if len(c.Requests) == 0 {
		out = append(out, problem("requests", "The pods would take no room", "Say what each reserves, such as cpu = \"250m\"."))
	}
	if c.MaxPods < 1 || c.MaxPods > math.MaxInt32 {
		out = append(out, problem("max_pods", fmt.Sprintf("%d is no number of pods", c.MaxPods), "Use 1 or more."))
	}
	if most := int64(1e9); c.Priority < -most || c.Priority > most { // beyond are the cluster's own
		out = append(out, problem("priority", fmt.Sprintf("%d is no priority", c.Priority), "Use -1000000000 to 1000000000."))
	}
	if c.Image == "" {
		out = append(out, problem("image", "The pods have no image", "Name one that does nothing."))
	}
	return requests, out
}

// fillable are the nodes to fill, and all pods.
func (s *session) fillable(ctx context.Context, zones []string) ([]corev1.Node, []corev1.Pod, error) {
	nodes, err := s.listNodes(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	nodes = slices.DeleteFunc(nodes, func(n corev1.Node) bool {
		return !takesPods(n) || len(zones) > 0 && !slices.Contains(zones, zoneOf(n))
	})
	pods, err := s.listPods(ctx, "", "")
	return nodes, pods, err
}

func (c fillConfig) deployment(u *fill, requests corev1.ResourceList, m mark.Mark) map[string]any {
	spec := corev1.PodSpec{
		PriorityClassName: m.Name("fill"), TerminationGracePeriodSeconds: new(int64), AutomountServiceAccountToken: new(bool), SecurityContext: harmlessPod(),
		Containers: []corev1.Container{{
			Name: "fill", Image: c.Image, SecurityContext: harmless(),
			Resources: corev1.ResourceRequirements{Requests: requests, Limits: requests},
		}},
	}
	if len(c.Zones) > 0 {
		spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
				{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: c.Zones},
			}}},
		}}}
	}
	return map[string]any{"spec": map[string]any{
		"replicas": u.Replicas,
		"selector": map[string]any{"matchLabels": map[string]string{mark.FaultLabel: m.Hash}},
		"template": map[string]any{"metadata": map[string]any{"labels": m.Labels()}, "spec": spec},
	}}
}

// harmless is what even the strictest namespace takes.
func harmless() *corev1.SecurityContext {
	return &corev1.SecurityContext{AllowPrivilegeEscalation: new(bool), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}
}

func harmlessPod() *corev1.PodSecurityContext {
	nobody, yes := int64(65534), true
	return &corev1.PodSecurityContext{RunAsNonRoot: &yes, RunAsUser: &nobody, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
}

// inspect counts the pods that have a place.
func (u *fill) inspect(ctx context.Context, s *session) (sdk.State, error) {
	mine, err := s.listPods(ctx, u.Deployment.Namespace, u.Selector)
	if err != nil {
		return sdk.State{}, err
	}
	var running int64
	for _, p := range mine {
		if !over(p) && podReady(p) {
			running++
		}
	}
	if running < u.Replicas {
		return unknown("%d of %d pods that take room run", running, u.Replicas), nil
	}
	nodes, pods, err := s.fillable(ctx, u.Zones)
	if err != nil {
		return sdk.State{}, err
	}
	return active("%d pods that take room run; free before: %s; free at %s: %s", running, u.Before, time.Now().UTC().Format(time.TimeOnly), inZones(nodes, pods, u.Names)), nil
}
