package supervisor

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// dnsImage is what the coredns program is on real nodes.
const dnsImage = "gameday.test/coredns:1"

// dnsNodePort is where a real node answers DNS to those outside of the cluster.
const dnsNodePort = "30053"

//go:embed dns.yaml
var dnsObjects []byte

// startDNS makes cluster DNS as a cluster has it. Simulated pods answer nothing, so beside those CoreDNS runs here.
func (c *Cluster) startDNS(ctx context.Context) error {
	if !c.config.CoreDNS {
		return nil
	}
	if err := c.create(ctx, dnsObjects); err != nil {
		return fmt.Errorf("making cluster DNS: %w", err)
	}
	if c.config.Nodes == kubeletNodes {
		c.dns = net.JoinHostPort(c.nodes[0].address(), dnsNodePort)
	} else if err := c.startCoreDNS(ctx); err != nil {
		return err
	}
	err := poll(ctx, func(ctx context.Context) error {
		if dead := c.dead(); dead != nil {
			return final{dead}
		}
		deployment, err := c.client.AppsV1().Deployments("kube-system").Get(ctx, "coredns", metav1.GetOptions{})
		if err == nil && deployment.Status.ReadyReplicas < *deployment.Spec.Replicas {
			err = fmt.Errorf("%d of %d replicas are ready", deployment.Status.ReadyReplicas, *deployment.Spec.Replicas)
		}
		if err != nil {
			return err
		}
		return c.resolves(ctx)
	})
	if err != nil {
		return fmt.Errorf("waiting for cluster DNS: %w", err)
	}
	return nil
}

// resolves asks cluster DNS for the one name that every cluster has.
func (c *Cluster) resolves(ctx context.Context) error {
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, c.dns)
	}}
	_, err := resolver.LookupHost(ctx, "kubernetes.default.svc.cluster.local.")
	return err
}

// startCoreDNS runs CoreDNS as a process, with a Corefile that follows the ConfigMap as the kubelet would project it.
func (c *Cluster) startCoreDNS(ctx context.Context) error {
	c.dns = net.JoinHostPort(loopback, strconv.Itoa(c.ports[dnsPort]))
	projection := projection{
		client: c.client, file: c.layout.file("Corefile"), kubeconfig: c.credentials.path("supervisor.kubeconfig"),
		port: c.ports[dnsPort], health: c.ports[dnsHealthPort], ready: c.ports[dnsReadyPort],
	}
	stop, err := projection.start(ctx)
	if err != nil {
		return fmt.Errorf("following the Corefile: %w", err)
	}
	c.stopDNS = stop
	return c.launch(ctx, c.component("coredns", c.program("coredns"), "coredns", "-conf", projection.file))
}
