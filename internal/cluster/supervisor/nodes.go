package supervisor

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// region is the one that every zone belongs to.
const region = "region-1"

// node is one node of the cluster. Its index gives it addresses that no other has.
type node struct {
	index int // from 1
	zone  string
	name  string
}

// nodesOf lays out the nodes: node-a-1, node-a-2, ... in zone-a, and so on.
func nodesOf(zones, perZone int) []node {
	var nodes []node
	for zone := range zones {
		letter := string(rune('a' + zone))
		for i := range perZone {
			nodes = append(nodes, node{
				index: zone*perZone + i + 1,
				zone:  "zone-" + letter,
				name:  fmt.Sprintf("node-%s-%d", letter, i+1),
			})
		}
	}
	return nodes
}

func zonesOf(nodes []node) []string {
	var zones []string
	for _, n := range nodes {
		if len(zones) == 0 || zones[len(zones)-1] != n.zone {
			zones = append(zones, n.zone)
		}
	}
	return zones
}

func (n node) labels(kind string) map[string]string {
	return map[string]string{
		corev1.LabelHostname:       n.name,
		corev1.LabelTopologyZone:   n.zone,
		corev1.LabelTopologyRegion: region,
		corev1.LabelOSStable:       "linux",
		corev1.LabelArchStable:     "amd64",
		"type":                     kind,
	}
}

// podRange is the part of the pod network that is the node's own.
func (n node) podRange() string { return fmt.Sprintf("10.78.%d.0/24", n.index) }

// address is where the node is: on the bridge, or nowhere if it is simulated.
func (n node) address() string { return fmt.Sprintf("10.77.0.%d", 10+n.index) }

// simulated is the Node object of a node that only kwok knows.
func (n node) simulated() *corev1.Node {
	resources := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("8"),
		corev1.ResourceMemory:           resource.MustParse("16Gi"),
		corev1.ResourcePods:             resource.MustParse("110"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: n.name, Labels: n.labels(kwokNodes), Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
		},
		Spec: corev1.NodeSpec{PodCIDR: n.podRange(), PodCIDRs: []string{n.podRange()}},
		Status: corev1.NodeStatus{
			Capacity: resources, Allocatable: resources,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: n.address()}, {Type: corev1.NodeHostName, Address: n.name},
			},
			NodeInfo: corev1.NodeSystemInfo{KubeletVersion: kubernetesVersion},
		},
	}
}

// awaitNodes waits until every node is ready and takes pods, and pods may be made in the default namespace.
func (c *Cluster) awaitNodes(ctx context.Context) error {
	err := poll(ctx, func(ctx context.Context) error {
		if dead := c.dead(); dead != nil {
			return final{dead}
		}
		nodes, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if len(nodes.Items) < len(c.nodes) {
			return fmt.Errorf("%d of %d nodes are registered", len(nodes.Items), len(c.nodes))
		}
		for _, n := range nodes.Items {
			if err := usable(n); err != nil {
				return err
			}
		}
		_, err = c.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("waiting for the nodes: %w", err)
	}
	return nil
}

func usable(n corev1.Node) error {
	if len(n.Spec.Taints) > 0 {
		return fmt.Errorf("node %s has the taint %s", n.Name, n.Spec.Taints[0].Key)
	}
	for _, condition := range n.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("node %s is not ready", n.Name)
}

// dead is the failure of a component that ended though nobody asked it to.
func (c *Cluster) dead() error {
	var failures []error
	for _, component := range c.components {
		if component.child != nil && !component.child.Alive() && !component.ending {
			failures = append(failures, component.child.Failure())
		}
	}
	return errors.Join(failures...)
}
