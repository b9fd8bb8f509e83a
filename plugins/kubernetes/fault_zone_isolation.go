package kubernetes

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type isolationConfig struct {
	policyConfig
	Namespaces []string `json:"namespaces"`
	Except     []string `json:"except_namespaces"`
}

func zoneIsolation() kind[parted] {
	return kind[parted]{
		name: "kubernetes_zone_isolation", targets: []string{"kubernetes_zone"},
		schema: sdk.Schema{
			Doc: "The pods of a zone and those of other zones do not reach each other. Within the zone, and with the world outside of the cluster, they talk as before. The pods get the label " +
				isolatedLabel + ", and each of their namespaces a NetworkPolicy that allows what is not from or to the pod networks of other zones' nodes. Pods that start in the zone later are " +
				"not isolated by network plugins that go by labels; pods in the network of their node never are. If every process of gameday dies at once, labels and policies stay until gameday recover.",
			Attributes: append([]sdk.Attribute{
				{Name: "namespaces", Type: sdk.StringList, Doc: "Only pods of these namespaces; by default of all."},
				{Name: "except_namespaces", Type: sdk.StringList, Default: []any{"kube-system"}, Doc: "No pods of these namespaces."},
			}, policyAttributes()...),
		},
		needs: func([]sdk.Target) []access.Need {
			out := append(access.On(cluster.Nodes, "", "", "list"), access.On(cluster.Pods, "", "", "get", "patch")...)
			return append(out, policyNeeds("")...)
		},
		also: policyAlso, plan: planIsolation, inspect: inspectParted,
	}
}

func planIsolation(ctx context.Context, s *session, req sdk.Request, m mark.Mark) (p plan[parted], problems []sdk.Problem, err error) {
	c := isolationConfig{Except: []string{"kube-system"}}
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	nodes, err := s.listNodes(ctx, "")
	if err != nil {
		return p, nil, err
	}
	all, err := s.listPods(ctx, "", "")
	if err != nil {
		return p, nil, err
	}
	b := policyBuilder{s: s, m: m}
	for i, t := range req.Targets {
		zone, ok := strings.CutPrefix(t.ID, s.cluster.UID+"/")
		if !ok {
			problems = append(problems, goneProblem(t))
			continue
		}
		others, found := otherNetworks(zone, nodes)
		if problems = append(problems, found...); len(found) > 0 {
			continue
		}
		label := fmt.Sprintf("%s-%d", m.Hash, i)
		mine, found := c.podsOf(zone, nodes, all)
		problems = append(problems, found...)
		objects, err := s.objectsOf(ctx, mine)
		if err != nil {
			return p, nil, err
		}
		for _, o := range objects {
			if err := b.choose(o, label, func(on metav1.LabelSelector) networking.NetworkPolicySpec { return isolationSpec(on, others) }); err != nil {
				return p, nil, err
			}
		}
	}
	if sdk.HasErrors(problems) {
		return p, problems, nil
	}
	p, found, err := b.plan(ctx, c.policyConfig)
	return p, append(problems, found...), err
}

// otherNetworks are the pod networks of the nodes that are not in a zone.
func otherNetworks(zone string, nodes []corev1.Node) (out []netip.Prefix, problems []sdk.Problem) {
	for _, n := range nodes {
		if zoneOf(n) == zone {
			continue
		}
		if len(n.Spec.PodCIDRs) == 0 {
			return nil, []sdk.Problem{problem("targets", fmt.Sprintf("It is not known which addresses the pods of node %s have: it has no podCIDRs", n.Name),
				"The network plugin of this cluster gives addresses in another way. Isolate workloads with kubernetes_partition instead.")}
		}
		for _, text := range n.Spec.PodCIDRs {
			if p, err := netip.ParsePrefix(text); err == nil {
				out = append(out, p)
			}
		}
	}
	if len(out) == 0 {
		return nil, []sdk.Problem{problem("targets", "There is no node outside of the zone "+zone, "There is nothing to isolate it from.")}
	}
	return out, nil
}

// podsOf are the pods in a zone that are to be isolated. That the others have addresses of their nodes is checked.
func (c isolationConfig) podsOf(zone string, nodes []corev1.Node, all []corev1.Pod) (out []corev1.Pod, problems []sdk.Problem) {
	byName := map[string]corev1.Node{}
	for _, n := range nodes {
		byName[n.Name] = n
	}
	for _, p := range all {
		n, ok := byName[p.Spec.NodeName]
		if !ok || p.Spec.HostNetwork || over(p) {
			continue
		}
		if zoneOf(n) == zone {
			if c.about(p.Namespace) {
				out = append(out, p)
			}
			continue
		}
		if ip := p.Status.PodIP; ip != "" && !inNetworks(ip, n.Spec.PodCIDRs) {
			return nil, []sdk.Problem{problem("targets", fmt.Sprintf("The pod %s/%s has the address %s, which is not of the network of its node (%v)", p.Namespace, p.Name, ip, n.Spec.PodCIDRs),
				"The network plugin of this cluster gives addresses in another way. Isolate workloads with kubernetes_partition instead.")}
		}
	}
	if len(out) == 0 {
		problems = append(problems, problem("targets", "No pod in the zone "+zone+" could be isolated", "Choose another zone, or other namespaces."))
	}
	return out, problems
}

// objectsOf reads the pods as they are edited. Only these: of a large cluster, reading every pod so would take seconds.
func (s *session) objectsOf(ctx context.Context, pods []corev1.Pod) ([]*unstructured.Unstructured, error) {
	read := make([]*unstructured.Unstructured, len(pods))
	numbers := make([]int, len(pods))
	for i := range pods {
		numbers[i] = i
	}
	err := each(ctx, numbers, func(i int) (err error) {
		read[i], err = s.cluster.Find(ctx, podRef(pods[i]))
		return err
	})
	return slices.DeleteFunc(read, func(o *unstructured.Unstructured) bool { return o == nil }), err // those that ended meanwhile
}

func (c isolationConfig) about(ns string) bool {
	return (len(c.Namespaces) == 0 || slices.Contains(c.Namespaces, ns)) && !slices.Contains(c.Except, ns)
}

func inNetworks(ip string, networks []string) bool {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(networks, func(text string) bool {
		p, err := netip.ParsePrefix(text)
		return err == nil && p.Contains(a)
	})
}

// isolationSpec allows traffic with pods of the same label and with every address but those of other zones. Some network plugins take
// addresses to mean only what is outside of the cluster; for those the label is what lets pods of the zone talk.
func isolationSpec(on metav1.LabelSelector, others []netip.Prefix) networking.NetworkPolicySpec {
	v4, v6 := networking.IPBlock{CIDR: "0.0.0.0/0"}, networking.IPBlock{CIDR: "::/0"}
	for _, p := range others {
		if p.Addr().Is4() {
			v4.Except = append(v4.Except, p.String())
		} else {
			v6.Except = append(v6.Except, p.String())
		}
	}
	peers := []networking.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}, PodSelector: &on}, {IPBlock: &v4}, {IPBlock: &v6}}
	return networking.NetworkPolicySpec{
		PodSelector: on, PolicyTypes: []networking.PolicyType{networking.PolicyTypeIngress, networking.PolicyTypeEgress},
		Ingress: []networking.NetworkPolicyIngressRule{{From: peers}}, Egress: []networking.NetworkPolicyEgressRule{{To: peers}},
	}
}
