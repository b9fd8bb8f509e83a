package kubernetes

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// policyBuilder collects the policies of a fault, and the labels that they select by.
type policyBuilder struct {
	s        *session
	m        mark.Mark
	labelled []change.Item
	policies []plannedPolicy
}

// plannedPolicy is one policy, with the pods that it is about when the plan is made.
type plannedPolicy struct {
	namespace string
	spec      networking.NetworkPolicySpec
	pods      []corev1.Pod
	chosen    bool // one by one
}

// add plans the policy for one target.
func (b *policyBuilder) add(ctx context.Context, t sdk.Target, spec func(metav1.LabelSelector) networking.NetworkPolicySpec) ([]sdk.Problem, error) {
	r, o, problems, err := b.s.take(ctx, t)
	if err != nil || len(problems) > 0 {
		return problems, err
	}
	switch r.Kind {
	case cluster.Pods:
		return nil, b.choose(o, b.m.Hash, spec)
	case cluster.Namespaces:
		pods, err := b.s.listPods(ctx, r.Name, "")
		b.policies = append(b.policies, plannedPolicy{namespace: r.Name, spec: spec(metav1.LabelSelector{}), pods: pods})
		return nil, err
	}
	selector, err := selectorOf(o)
	if err != nil {
		return nil, fmt.Errorf("reading the selector of %s: %w", r, err)
	}
	on, err := metav1.ParseToLabelSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("reading the selector of %s: %w", r, err)
	}
	pods, err := b.s.listPods(ctx, r.Namespace, selector)
	b.policies = append(b.policies, plannedPolicy{namespace: r.Namespace, spec: spec(*on), pods: pods})
	return nil, err
}

// choose labels one pod, and has one policy for each namespace that selects by the label.
func (b *policyBuilder) choose(o *unstructured.Unstructured, value string, spec func(metav1.LabelSelector) networking.NetworkPolicySpec) error {
	var p corev1.Pod
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &p); err != nil {
		return fmt.Errorf("reading the pod %s: %w", o.GetName(), err)
	}
	edit, err := change.NewEdit(cluster.Pods, o, change.Set{Path: change.At("metadata", "labels", isolatedLabel), Value: value})
	if err != nil {
		return err
	}
	b.labelled = append(b.labelled, change.Item{Edit: &edit})
	i := slices.IndexFunc(b.policies, func(x plannedPolicy) bool {
		return x.chosen && x.namespace == p.Namespace && x.spec.PodSelector.MatchLabels[isolatedLabel] == value
	})
	if i < 0 {
		on := metav1.LabelSelector{MatchLabels: map[string]string{isolatedLabel: value}}
		b.policies = append(b.policies, plannedPolicy{namespace: p.Namespace, spec: spec(on), chosen: true})
		i = len(b.policies) - 1
	}
	b.policies[i].pods = append(b.policies[i].pods, p)
	return nil
}

// plan puts the labels before the policies, and says what keeps these from having their effect.
func (b *policyBuilder) plan(ctx context.Context, c policyConfig) (p plan[parted], problems []sdk.Problem, err error) {
	p.items, p.own.Claimed = b.labelled, c.Enforced
	for i, x := range b.policies {
		selector, err := metav1.LabelSelectorAsSelector(&x.spec.PodSelector)
		if err != nil {
			return p, nil, err
		}
		creation := change.NewCreation(cluster.NetworkPolicies, x.namespace, b.m.Name(fmt.Sprintf("partition-%d", i)), map[string]any{"spec": x.spec})
		p.items = append(p.items, change.Item{Creation: &creation})
		p.own.Policies = append(p.own.Policies, policed{x.namespace, selector.String()})
		found, err := b.s.beside(ctx, x, c.Beside)
		if err != nil {
			return p, nil, err
		}
		problems = append(append(problems, found...), x.unreached()...)
	}
	by, found, err := b.s.enforcement(ctx, c)
	p.effects = []string{by}
	return p, append(problems, found...), err
}

// enforcement says for the plan whether policies are enforced.
func (s *session) enforcement(ctx context.Context, c policyConfig) (string, []sdk.Problem, error) {
	if c.Enforced {
		return "it is said that policies are enforced (enforced = true)", nil, nil
	}
	by, err := s.enforcer(ctx)
	if err != nil || by != "" {
		return "policies are enforced by " + by, nil, err
	}
	return "nothing known enforces policies here", []sdk.Problem{warning("enforced", "Nothing that is known to enforce NetworkPolicies runs in this cluster",
		"The fault will not count as active. If something else enforces them, say so with enforced = true.")}, nil
}

// unreached finds pods that no policy is about.
func (x plannedPolicy) unreached() (out []sdk.Problem) {
	i := slices.IndexFunc(x.pods, func(p corev1.Pod) bool { return p.Spec.HostNetwork })
	if i >= 0 {
		out = append(out, warning("targets", fmt.Sprintf("The pod %s/%s is in the network of its node", x.namespace, x.pods[i].Name), "No NetworkPolicy is about it. The host plugin can cut off the node."))
	}
	return out
}

// beside finds the other policies that allow pods of a policy something.
func (s *session) beside(ctx context.Context, x plannedPolicy, accepted bool) (out []sdk.Problem, err error) {
	one, cancel := cluster.Reading(ctx)
	defer cancel()
	all, err := s.cluster.Typed.NetworkingV1().NetworkPolicies(x.namespace).List(one, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing the NetworkPolicies of %s: %w", x.namespace, s.cluster.Explain(err))
	}
	for _, p := range all.Items {
		selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		ofOurs := p.Labels[mark.FaultLabel] != "" // another fault's allows only its own exceptions
		if err != nil || ofOurs || !allows(p.Spec, x.spec.PolicyTypes) || !selectsAny(selector, x.pods) {
			continue
		}
		found := problem("beside_policies", fmt.Sprintf("What the NetworkPolicy %s/%s allows its pods would stay allowed", p.Namespace, p.Name),
			"Policies add up. Take that policy away meanwhile, or accept it with beside_policies = true.")
		if accepted {
			found.Severity = sdk.Warning
		}
		out = append(out, found)
	}
	return out, nil
}

// allows says whether a policy allows anything of these types.
func allows(p networking.NetworkPolicySpec, types []networking.PolicyType) bool {
	for _, t := range types {
		if t == networking.PolicyTypeIngress && len(p.Ingress) > 0 || t == networking.PolicyTypeEgress && len(p.Egress) > 0 {
			return true
		}
	}
	return false
}

func selectsAny(s labels.Selector, pods []corev1.Pod) bool {
	for _, p := range pods {
		if s.Matches(labels.Set(p.Labels)) {
			return true
		}
	}
	return false
}
