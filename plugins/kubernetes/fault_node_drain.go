package kubernetes

import (
	"context"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// nodeDrain empties nodes as maintenance does. When every process of ours dies at once, they stay cordoned, and the pods that were evicted
// are elsewhere.
func nodeDrain() kind[emptied] {
	return kind[emptied]{
		name: "kubernetes_node_drain", targets: []string{"kubernetes_node"},
		schema: sdk.Schema{
			Doc: "The nodes take no new pods, and those that run there are evicted as soon as their PodDisruptionBudgets allow it, like kubectl drain. Pods of " +
				"DaemonSets and those that the kubelet runs by itself stay. If every process of gameday dies at once, the nodes stay cordoned until gameday recover.",
			Attributes: append(respawnAttributes(), graceAttribute(), evictTimeoutAttribute(),
				ignoreAttribute("Delete the pods, and do not ask whether a PodDisruptionBudget allows it.")),
		},
		needs: func(targets []sdk.Target) []access.Need {
			return append(append(nodeNeeds(targets), emptyNeeds(targets)...), evictionNeeds([]string{""})...)
		},
		plan: planDrain, inject: injectEmpty, inspect: inspectEmpty, revert: revertEmpty,
	}
}

func planDrain(ctx context.Context, s *session, req sdk.Request, _ mark.Mark) (p plan[emptied], problems []sdk.Problem, err error) {
	c := takenConfig{respawnConfig: respawnDefaults(), Timeout: sdk.Span(evictDefault)}
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	how := removal{Evict: !c.Ignore, Timeout: c.Timeout}
	if how.Grace, problems = graceSeconds(c.GracePeriod); len(problems) > 0 {
		return p, problems, nil
	}
	if p, problems, err = planNodes[emptied](ctx, s, req.Targets, cordonWish()); err != nil || len(problems) > 0 {
		return p, problems, err
	}
	p.own.How = how
	for _, i := range p.items {
		p.own.Nodes = append(p.own.Nodes, i.Object().Name)
	}
	problems, err = p.planEmpty(ctx, s, &p.own, c.respawnConfig, c.Ignore)
	return p, problems, err
}
