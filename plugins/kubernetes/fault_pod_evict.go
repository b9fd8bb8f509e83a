package kubernetes

import (
	"context"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// podEvict takes pods away as a cluster does that makes room: it asks first. When every process of ours dies at once, the pods that
// were evicted are gone, and the others stay.
func podEvict() kind[taken] {
	return kind[taken]{
		name: "kubernetes_pod_evict", targets: []string{"kubernetes_pod"},
		schema: sdk.Schema{
			Doc: "The pods are evicted, as soon as their PodDisruptionBudgets allow it. What controls them makes others: the revert waits for that, and fails " +
				"by name if it does not happen. If every process of gameday dies at once, nothing more is evicted.",
			Attributes: append(respawnAttributes(), graceAttribute(), evictTimeoutAttribute(),
				ignoreAttribute("Delete the pods, and do not ask whether a PodDisruptionBudget allows it.")),
		},
		needs: func(targets []sdk.Target) []access.Need {
			return append(killNeeds(targets), evictionNeeds(namespacesOf(targets))...)
		},
		plan: func(ctx context.Context, s *session, req sdk.Request, _ mark.Mark) (plan[taken], []sdk.Problem, error) {
			return planTaken(ctx, s, req, true)
		},
		inject: injectTaken, inspect: inspectTaken, revert: revertTaken,
	}
}

func evictTimeoutAttribute() sdk.Attribute {
	return sdk.Attribute{Name: "eviction_timeout", Type: sdk.Duration, Default: evictDefault.String(), Doc: "How long to wait until the PodDisruptionBudgets allow an eviction. Then the fault fails, and names the budget."}
}

func evictionNeeds(namespaces []string) (out []access.Need) {
	for _, ns := range namespaces {
		out = append(out, access.Need{Verb: "create", Resource: "pods", Subresource: "eviction", Namespace: ns})
	}
	return out
}
