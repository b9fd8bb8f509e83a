package kubernetes

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// isolatedLabel is on pods that are chosen one by one.
const isolatedLabel = "gameday/isolated"

// parted are pods that NetworkPolicies of ours cut off. When every process of ours dies at once, the policies stay.
type parted struct {
	Policies []policed `json:"policies"`
	// Claimed says that the scenario's author knows that policies are enforced.
	Claimed bool `json:"claimed,omitempty"`
}

// policed are the pods of one policy.
type policed struct {
	Namespace string `json:"namespace"`
	Selector  string `json:"selector"`
}

// policyConfig is what all faults by NetworkPolicies have in common.
type policyConfig struct {
	Enforced bool `json:"enforced"`
	Beside   bool `json:"beside_policies"`
}

func policyAttributes() []sdk.Attribute {
	return []sdk.Attribute{
		{Name: "enforced", Type: sdk.Bool, Default: false, Doc: "Say so where policies are enforced by something that gameday does not know."},
		{Name: "beside_policies", Type: sdk.Bool, Default: false, Doc: "Do so even if other NetworkPolicies are about these pods. What they allow stays allowed, since policies add up."},
	}
}

type partitionConfig struct {
	policyConfig
	Direction string      `json:"direction"`
	Except    []exception `json:"except"`
}

func partition() kind[parted] {
	return kind[parted]{
		name: "kubernetes_partition", targets: []string{"kubernetes_pod", "kubernetes_workload", "kubernetes_namespace"},
		schema: sdk.Schema{
			Doc: "Nothing reaches the pods, and they reach nothing, but for exceptions: a NetworkPolicy of gameday selects them. Of a workload or a namespace that holds for pods that " +
				"start later, too; of pods that are chosen one by one it does not. Pods in the network of their node are not cut off, nor is a node from its own pods. Whether connections that " +
				"are open end depends on the network plugin. The plan says whether the cluster has one that enforces policies; without one the fault is never active. " +
				"If every process of gameday dies at once, the policies stay until gameday recover.",
			Attributes: append([]sdk.Attribute{
				{Name: "direction", Type: sdk.String, Default: "both", OneOf: []string{"both", "ingress", "egress"}, Doc: "ingress is what reaches the pods, egress is what they reach."},
			}, policyAttributes()...),
			Blocks: []sdk.Block{exceptionBlock()},
		},
		needs: partitionNeeds, also: policyAlso, plan: planPartition, inspect: inspectParted,
	}
}

func partitionNeeds(targets []sdk.Target) (out []access.Need) {
	all := refs(targets)
	if targets == nil {
		all = []cluster.Ref{{Kind: cluster.Pods}, {Kind: cluster.Namespaces}, {Kind: cluster.Deployments}, {Kind: cluster.StatefulSets}, {Kind: cluster.DaemonSets}, {Kind: cluster.ReplicaSets}}
	}
	for _, r := range all {
		ns := r.Namespace
		switch r.Kind {
		case cluster.Namespaces:
			ns = r.Name
			out = append(out, access.On(r.Kind, "", ns, "get")...)
		case cluster.Pods:
			out = append(out, access.On(r.Kind, ns, "", "get", "patch")...)
		default:
			out = append(out, access.On(r.Kind, ns, r.Name, "get")...)
		}
		out = append(out, policyNeeds(ns)...)
	}
	return out
}

func policyNeeds(ns string) []access.Need {
	return append(access.On(cluster.NetworkPolicies, ns, "", "create", "get", "list", "delete"), access.On(cluster.Pods, ns, "", "list")...)
}

// policyAlso is what it takes to find out whether policies are enforced.
func policyAlso(config json.RawMessage, _ []sdk.Target) ([]access.Need, error) {
	var c policyConfig // and whatever else the block has
	if len(config) > 0 {
		if err := json.Unmarshal(config, &c); err != nil || c.Enforced {
			return nil, err
		}
	}
	return access.On(cluster.DaemonSets, "", "", "list"), nil
}

func planPartition(ctx context.Context, s *session, req sdk.Request, m mark.Mark) (p plan[parted], problems []sdk.Problem, err error) {
	c := partitionConfig{Direction: "both"}
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	rules, problems := readExceptions(c.Except)
	if len(problems) > 0 {
		return p, problems, nil
	}
	b := policyBuilder{s: s, m: m}
	for _, t := range req.Targets {
		found, err := b.add(ctx, t, func(on metav1.LabelSelector) networking.NetworkPolicySpec { return c.spec(on, rules) })
		if err != nil {
			return p, nil, err
		}
		problems = append(problems, found...)
	}
	p, found, err := b.plan(ctx, c.policyConfig)
	return p, append(problems, found...), err
}

// spec is the policy for these pods.
func (c partitionConfig) spec(on metav1.LabelSelector, rules []allowed) networking.NetworkPolicySpec {
	out := networking.NetworkPolicySpec{PodSelector: on}
	if c.Direction != "egress" {
		out.PolicyTypes = append(out.PolicyTypes, networking.PolicyTypeIngress)
		for _, r := range rules {
			out.Ingress = append(out.Ingress, networking.NetworkPolicyIngressRule{From: r.peers, Ports: r.ports})
		}
	}
	if c.Direction != "ingress" {
		out.PolicyTypes = append(out.PolicyTypes, networking.PolicyTypeEgress)
		for _, r := range rules {
			out.Egress = append(out.Egress, networking.NetworkPolicyEgressRule{To: r.peers, Ports: r.ports})
		}
	}
	return out
}

// inspectParted says whether the policies select anything, and whether something enforces them.
func inspectParted(ctx context.Context, s *session, _ sdk.Handle, u parted) (sdk.State, error) {
	total := 0
	for _, of := range u.Policies {
		pods, err := s.podsOf(ctx, of)
		if err != nil {
			return sdk.State{}, err
		}
		total += len(pods)
	}
	if total == 0 {
		return unknown("the policies select no pod"), nil
	}
	if u.Claimed {
		return active("%d pods are selected, and it is said that policies are enforced", total), nil
	}
	by, err := s.enforcer(ctx)
	switch {
	case err != nil:
		return sdk.State{}, err
	case by == "":
		return unknown("the policies are there, and nothing known enforces them"), nil
	}
	return active("%d pods are selected, and %s enforces policies", total, by), nil
}

// podsOf are the pods that a policy is about. It is not about those in the network of their node.
func (s *session) podsOf(ctx context.Context, of policed) (out []corev1.Pod, err error) {
	all, err := s.listPods(ctx, of.Namespace, of.Selector)
	for _, p := range all {
		if !over(p) && !p.Spec.HostNetwork {
			out = append(out, p)
		}
	}
	return out, err
}
