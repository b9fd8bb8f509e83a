package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
)

// enforcer is a network plugin that enforces NetworkPolicies, by the DaemonSet that does it.
type enforcer struct{ daemonSet, name string }

// A cluster takes NetworkPolicies whether or not anything enforces them. That is to be seen only from what runs on its nodes.
func enforcers() []enforcer {
	return []enforcer{
		{"calico-node", "Calico"}, {"canal", "Calico"}, {"cilium", "Cilium"}, {"anetd", "GKE Dataplane V2"}, {"antrea-agent", "Antrea"},
		{"kube-router", "kube-router"}, {"weave-net", "Weave Net"}, {"ovnkube-node", "OVN-Kubernetes"}, {"azure-npm", "Azure NPM"},
		{"kube-network-policies", "kube-network-policies"},
	}
}

// enforcerOf says which network plugin a DaemonSet is of, if it enforces policies and runs.
func enforcerOf(d appsv1.DaemonSet) string {
	if d.Status.NumberReady == 0 {
		return ""
	}
	for _, e := range enforcers() {
		if d.Name == e.daemonSet {
			return e.name
		}
	}
	if d.Name == "aws-node" { // the VPC CNI enforces policies only if that is turned on
		for _, c := range d.Spec.Template.Spec.Containers {
			if strings.Contains(c.Name, "nodeagent") && slices.Contains(c.Args, "--enable-network-policy=true") {
				return "the AWS VPC CNI"
			}
		}
	}
	return ""
}

// enforcer finds what enforces NetworkPolicies; it is empty if nothing known does.
func (s *session) enforcer(ctx context.Context) (out string, err error) {
	err = cluster.Pages(ctx, "", func(ctx context.Context, o metav1.ListOptions) (string, error) {
		page, err := s.cluster.Typed.AppsV1().DaemonSets("").List(ctx, o)
		if err != nil {
			return "", fmt.Errorf("listing the DaemonSets: %w", s.cluster.Explain(err))
		}
		for _, d := range page.Items {
			if name := enforcerOf(d); name != "" {
				out = fmt.Sprintf("%s (daemonset %s/%s, ready on %d of %d nodes)", name, d.Namespace, d.Name, d.Status.NumberReady, d.Status.DesiredNumberScheduled)
			}
		}
		return page.Continue, nil
	})
	return out, err
}
