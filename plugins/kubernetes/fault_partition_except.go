package kubernetes

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// exception is traffic that a partition leaves alone.
type exception struct {
	Namespaces string   `json:"namespaces"`
	Pods       string   `json:"pods"`
	CIDR       string   `json:"cidr"`
	Ports      []string `json:"ports"`
}

func exceptionBlock() sdk.Block {
	return sdk.Block{Name: "except", Schema: sdk.Schema{
		Doc: "Traffic that is left alone, such as DNS. With several attributes, it is what all of them say.",
		Attributes: []sdk.Attribute{
			{Name: "namespaces", Type: sdk.String, Doc: "Labels of the namespaces of the pods on the other side, as for kubectl -l, such as kubernetes.io/metadata.name=kube-system. By default their own."},
			{Name: "pods", Type: sdk.String, Doc: "Labels of the pods on the other side, as for kubectl -l."},
			{Name: "cidr", Type: sdk.String, Doc: "Addresses on the other side, such as 10.0.0.0/8. Not together with namespaces or pods."},
			{Name: "ports", Type: sdk.StringList, Doc: "Ports where the connection ends, such as 53/UDP, 443 (TCP) or a name of a container's port. By default all."},
		},
	}}
}

// allowed is an exception as a rule of a policy.
type allowed struct {
	peers []networking.NetworkPolicyPeer
	ports []networking.NetworkPolicyPort
}

func readExceptions(all []exception) (out []allowed, problems []sdk.Problem) {
	for i, e := range all {
		at := func(attribute, summary, detail string) {
			problems = append(problems, problem(fmt.Sprintf("except.%d%s", i, attribute), summary, detail))
		}
		if e.Namespaces == "" && e.Pods == "" && e.CIDR == "" && len(e.Ports) == 0 {
			at("", "The exception is everything", "Say which traffic is left alone.")
			continue
		}
		if e.CIDR != "" && (e.Namespaces != "" || e.Pods != "") {
			at(".cidr", "Addresses and labels do not go together", "Use two exceptions.")
		}
		var rule allowed
		if e.CIDR != "" {
			if _, err := netip.ParsePrefix(e.CIDR); err != nil {
				at(".cidr", fmt.Sprintf("%q is no network", e.CIDR), "Such as 10.0.0.0/8.")
			}
			rule.peers = append(rule.peers, networking.NetworkPolicyPeer{IPBlock: &networking.IPBlock{CIDR: e.CIDR}})
		}
		if e.Namespaces != "" || e.Pods != "" {
			var peer networking.NetworkPolicyPeer
			for attribute, to := range map[string]**metav1.LabelSelector{".namespaces": &peer.NamespaceSelector, ".pods": &peer.PodSelector} {
				text := map[string]string{".namespaces": e.Namespaces, ".pods": e.Pods}[attribute]
				selector, err := metav1.ParseToLabelSelector(text)
				if err != nil {
					at(attribute, sentence(err), "Write it as for kubectl -l, such as app=web,tier!=cache.")
				}
				if text != "" {
					*to = selector
				}
			}
			rule.peers = append(rule.peers, peer)
		}
		for n, text := range e.Ports {
			port, ok := readPort(text)
			if !ok {
				at(fmt.Sprintf(".ports.%d", n), fmt.Sprintf("%q is no port", text), "Such as 53/UDP, 443 or http.")
			}
			rule.ports = append(rule.ports, port)
		}
		out = append(out, rule)
	}
	return out, problems
}

func readPort(text string) (networking.NetworkPolicyPort, bool) {
	number, protocol, ok := strings.Cut(text, "/")
	if !ok {
		protocol = string(corev1.ProtocolTCP)
	}
	known := corev1.Protocol(strings.ToUpper(protocol))
	port := intstr.Parse(number)
	valid := port.Type == intstr.String && number != "" || port.Type == intstr.Int && port.IntVal > 0 && port.IntVal < 65536
	switch known {
	case corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP:
	default:
		valid = false
	}
	return networking.NetworkPolicyPort{Protocol: &known, Port: &port}, valid
}
