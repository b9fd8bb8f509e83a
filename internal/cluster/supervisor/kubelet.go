package supervisor

import (
	"context"
	"errors"
)

const bridgeIP = "10.77.0.1"

func (n node) kubelet() string   { return "kubelet-" + n.name }
func (n node) namespace() string { return "" }
func (n node) link() string      { return "" }
func (n node) cgroup() string    { return "" }

func (c *Cluster) prepareMachine() error               { return errors.New("-nodes kubelet is not built yet") }
func (c *Cluster) startKubelets(context.Context) error { return nil }
func (c *Cluster) link(zone string, up bool) error {
	return errors.New("only real nodes have links; use stop kwok-ZONE")
}
func restoreMachine(nodes []node) error           { return nil }
func (c *Cluster) startDNS(context.Context) error { return nil }
