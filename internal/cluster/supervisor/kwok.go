package supervisor

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/internal/cluster/pki"
)

// stages say how a simulated node and its pods live.
//
//go:embed kwok.yaml
var stages []byte

// startKwok makes the Node objects and starts one kwok for each zone, so that stopping it is the outage of that zone.
func (c *Cluster) startKwok(ctx context.Context) error {
	kubeconfig, config := c.credentials.path("kwok.kubeconfig"), c.layout.file("kwok.yaml")
	if err := c.credentials.kubeconfig(kubeconfig, pki.Subject{Name: "kwok", Groups: masters}); err != nil {
		return err
	}
	if err := os.WriteFile(config, stages, 0o600); err != nil {
		return fmt.Errorf("writing the stages of kwok: %w", err)
	}
	for _, n := range c.nodes {
		if _, err := c.client.CoreV1().Nodes().Create(ctx, n.simulated(), metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("making node %s: %w", n.name, err)
		}
	}
	for _, zone := range zonesOf(c.nodes) {
		if err := c.launch(ctx, c.kwok(zone, kubeconfig, config)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) kwok(zone, kubeconfig, config string) *component {
	program := filepath.Join(filepath.Dir(c.self), "kwok")
	return c.component(kwokOf(zone), program, "kwok",
		"--kubeconfig="+kubeconfig, "--config="+config,
		"--manage-all-nodes=false",
		"--manage-nodes-with-label-selector=topology.kubernetes.io/zone="+zone+",type=kwok",
		"--node-lease-duration-seconds=8")
}

func kwokOf(zone string) string { return "kwok-" + zone }
