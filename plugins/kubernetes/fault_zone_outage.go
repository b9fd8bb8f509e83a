package kubernetes

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// outageTaint is what a zone's nodes have while it is lost.
const outageTaint = "gameday/zone-outage"

type zoneConfig struct {
	respawnConfig
	GracePeriod string `json:"grace_period"`
	Ignore      bool   `json:"ignore_disruption_budgets"`
}

// zoneOutage takes a zone's capacity away at once: its nodes take no new pods and its pods end, whatever their budgets say. When every
// process of ours dies at once, the nodes stay like that.
func zoneOutage() kind[emptied] {
	return kind[emptied]{
		name: "kubernetes_zone_outage", targets: []string{"kubernetes_zone"},
		schema: sdk.Schema{
			Doc: "Every node of the zones is cordoned and has the taint " + outageTaint + ":NoExecute, and all pods there are deleted, without asking any " +
				"PodDisruptionBudget. Pods of DaemonSets that tolerate everything and those that the kubelet runs by itself stay; the kubelets go on. A node that was cordoned before " +
				"stays cordoned afterwards. If every process of gameday dies at once, the nodes stay like that until gameday recover.",
			Attributes: append(respawnAttributes(),
				sdk.Attribute{Name: "grace_period", Type: sdk.Duration, Default: "1s", Doc: "How long a pod may take to end, in whole seconds: 1s is as good as a power failure and still lets the kubelet confirm the end. 0s takes it out of the API at once, whether or not it has ended."},
				ignoreAttribute("Do so even if that breaks a PodDisruptionBudget. Otherwise that is a mistake when the plan is made.")),
		},
		needs: zoneNeeds, plan: planZone, inject: injectEmpty, inspect: inspectEmpty, revert: revertEmpty,
	}
}

func zoneNeeds(targets []sdk.Target) []access.Need {
	return append(emptyNeeds(targets), access.On(cluster.Nodes, "", "", "list", "get", "patch")...)
}

func planZone(ctx context.Context, s *session, req sdk.Request, _ mark.Mark) (p plan[emptied], problems []sdk.Problem, err error) {
	c := zoneConfig{respawnConfig: respawnDefaults(), GracePeriod: "1s"}
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	if p.own.How.Grace, problems = graceSeconds(c.GracePeriod); len(problems) > 0 {
		return p, problems, nil
	}
	nodes, problems, err := s.nodesOfZones(ctx, req.Targets)
	if err != nil || sdk.HasErrors(problems) {
		return p, problems, err
	}
	wishes := []change.Set{cordonWish(), taintWish(taintConfig{Key: outageTaint, Effect: string(corev1.TaintEffectNoExecute)})}
	for _, n := range nodes {
		o, err := s.cluster.Get(ctx, nodeRef(n))
		if err != nil {
			return p, nil, err
		}
		edit, err := change.NewEdit(cluster.Nodes, o, wishes...)
		if err != nil {
			return p, nil, err
		}
		if n.Spec.Unschedulable {
			p.effects = append(p.effects, fmt.Sprintf("node %s is cordoned already, and stays cordoned afterwards", n.Name))
		}
		p.own.Nodes = append(p.own.Nodes, n.Name)
		p.items = append(p.items, change.Item{Edit: &edit})
		p.steps = append(p.steps, s.nodeSteps(edit)...)
	}
	found, err := p.planEmpty(ctx, s, &p.own, c.respawnConfig, c.Ignore)
	return p, append(problems, found...), err
}

// nodesOfZones are the nodes of zones, by name.
func (s *session) nodesOfZones(ctx context.Context, targets []sdk.Target) (out []corev1.Node, problems []sdk.Problem, err error) {
	all, err := s.listNodes(ctx, corev1.LabelTopologyZone)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range targets {
		of := slices.DeleteFunc(slices.Clone(all), func(n corev1.Node) bool { return s.cluster.UID+"/"+zoneOf(n) != t.ID })
		if len(of) == 0 {
			problems = append(problems, problem("targets", fmt.Sprintf("No node of this cluster is in the zone %s", t.Name), "Plan again."))
		}
		out = append(out, of...)
	}
	if len(out) == len(all) && len(problems) == 0 {
		problems = append(problems, warning("targets", "These are all nodes of the cluster that are in a zone", "No pod will find another place."))
	}
	return out, problems, nil
}
