package supervisor

import (
	"context"
	"fmt"
	"syscall"
)

// realNode finds a real node by its name, which is also that of the component that holds it.
func (c *Cluster) realNode(name string) (node, bool) {
	for _, n := range c.nodes {
		if c.config.Nodes == kubeletNodes && n.name == name {
			return n, true
		}
	}
	return node{}, false
}

func (c *Cluster) componentsOf(n node) []*component {
	var own []*component
	for _, name := range []string{n.holder(), n.containerd(), n.kubelet(), n.proxy()} {
		if component, err := c.find(name); err == nil {
			own = append(own, component)
		}
	}
	return own
}

// signalNode stops, continues or kills all of a node: its kubelet, its containerd, and every container.
func (c *Cluster) signalNode(ctx context.Context, n node, signal syscall.Signal) error {
	if signal != syscall.SIGKILL {
		for _, pid := range n.pids() {
			_ = syscall.Kill(pid, signal) // a container may end meanwhile
		}
		for _, component := range c.componentsOf(n) {
			component.stopped = signal == syscall.SIGSTOP
		}
		return nil
	}
	for _, component := range c.componentsOf(n) {
		component.ending = true
	}
	if err := n.kill(ctx); err != nil {
		return err
	}
	for _, component := range c.componentsOf(n) {
		component.end()
	}
	return nil
}

// startNode boots a node that was killed; its disk is as it was.
func (c *Cluster) startNode(ctx context.Context, n node) error {
	for _, component := range c.componentsOf(n) {
		if component.child.Alive() {
			return fmt.Errorf("%s of %s is running; kill %s first", component.spec.Name, n.name, n.name)
		}
	}
	for _, component := range c.componentsOf(n) {
		if err := component.start(ctx, c.starter); err != nil {
			return err
		}
	}
	return nil
}
