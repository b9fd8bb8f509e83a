package supervisor

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gameday-toolkit/gameday/internal/cluster/pki"
)

// Addresses of the cluster's own networks; nothing outside of it ever sees them.
const (
	serviceRange = "10.96.0.0/16"
	serviceIP    = "10.96.0.1" // the first one: the API server's
	dnsIP        = "10.96.0.10"
	// advertised stands in documentation's own range (RFC 5737), for the API server refuses loopback here.
	advertised = "192.0.2.1"
)

func (c *Cluster) startEtcd(ctx context.Context) error {
	client, peer := c.ports[etcdPort], c.ports[etcdPeerPort]
	at := func(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }
	etcd := c.multicall("etcd", "etcd", "--name=etcd", "--data-dir="+c.layout.file("etcd"),
		"--listen-client-urls="+at(client), "--advertise-client-urls="+at(client),
		"--listen-peer-urls="+at(peer), "--initial-advertise-peer-urls="+at(peer),
		"--initial-cluster=etcd="+at(peer),
		"--unsafe-no-fsync", // nothing here outlives the machine
		"--log-level=warn")
	etcd.ready = func(ctx context.Context) error { return healthy(ctx, at(client)+"/health") }
	c.etcd = at(client)
	return c.launch(ctx, etcd)
}

func healthy(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return nil
}

func (c *Cluster) startAPIServer(ctx context.Context) error {
	if err := c.serverCertificates(); err != nil {
		return err
	}
	address, err := url.Parse(c.credentials.server)
	if err != nil {
		return err
	}
	args := append(c.apiServerArgs(), "--bind-address="+address.Hostname(), "--secure-port="+address.Port())
	server := c.multicall("apiserver", "kube-apiserver", append(args, c.advertise()...)...)
	server.ready = func(ctx context.Context) error {
		return c.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}
	return c.launch(ctx, server)
}

func (c *Cluster) serverCertificates() error {
	hosts := []string{"localhost", "127.0.0.1", serviceIP, bridgeIP, "kubernetes", "kubernetes.default",
		"kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
	if err := c.credentials.pair("apiserver", pki.Subject{Name: "kube-apiserver", Hosts: hosts}); err != nil {
		return err
	}
	return c.credentials.pair("kubelet-client", pki.Subject{Name: "kube-apiserver-kubelet-client", Groups: masters})
}

func (c *Cluster) apiServerArgs() []string {
	file := c.credentials.path
	return []string{
		"--etcd-servers=" + c.etcd,
		"--client-ca-file=" + file("ca.crt"),
		"--tls-cert-file=" + file("apiserver.crt"), "--tls-private-key-file=" + file("apiserver.key"),
		"--kubelet-client-certificate=" + file("kubelet-client.crt"),
		"--kubelet-client-key=" + file("kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-key-file=" + file("sa.pub"), "--service-account-signing-key-file=" + file("sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-extend-token-expiration=false", // a token that was asked to be short is short
		"--service-cluster-ip-range=" + serviceRange,
		"--authorization-mode=Node,RBAC",
		"--allow-privileged=true",
		// A zone outage is over in seconds, not in minutes:
		"--default-not-ready-toleration-seconds=2", "--default-unreachable-toleration-seconds=2",
	}
}

// advertise says where pods find the API server: at the bridge if there are pods at all.
func (c *Cluster) advertise() []string {
	if c.config.Nodes == kubeletNodes {
		return []string{"--advertise-address=" + bridgeIP}
	}
	return []string{"--advertise-address=" + advertised, "--endpoint-reconciler-type=none"}
}

func (c *Cluster) startControllers(ctx context.Context) error {
	file := c.credentials.path
	kubeconfig := file("controller-manager.kubeconfig")
	if err := c.credentials.kubeconfig(kubeconfig, pki.Subject{Name: "system:kube-controller-manager"}); err != nil {
		return err
	}
	qps := strconv.FormatFloat(c.config.QPS, 'f', -1, 64)
	return c.launch(ctx, c.multicall("controller-manager", "kube-controller-manager",
		"--kubeconfig="+kubeconfig, "--leader-elect=false", "--secure-port=0", "--use-service-account-credentials=true",
		"--service-account-private-key-file="+file("sa.key"), "--root-ca-file="+file("ca.crt"),
		"--cluster-signing-cert-file="+file("ca.crt"), "--cluster-signing-key-file="+file("ca.key"),
		"--kube-api-qps="+qps, "--kube-api-burst="+strconv.Itoa(int(2*c.config.QPS)),
		"--node-monitor-period=1s", "--node-monitor-grace-period=12s",
		"--node-eviction-rate=10", "--secondary-node-eviction-rate=10",
		// By default a zone of up to 50 nodes that lost more than half of them evicts nothing at all.
		"--large-cluster-size-threshold=0"))
}

func (c *Cluster) startScheduler(ctx context.Context) error {
	kubeconfig := c.credentials.path("scheduler.kubeconfig")
	if err := c.credentials.kubeconfig(kubeconfig, pki.Subject{Name: "system:kube-scheduler"}); err != nil {
		return err
	}
	return c.launch(ctx, c.multicall("scheduler", "kube-scheduler",
		"--kubeconfig="+kubeconfig, "--leader-elect=false", "--secure-port=0",
		"--kube-api-qps="+strconv.FormatFloat(c.config.QPS, 'f', -1, 64),
		"--kube-api-burst="+strconv.Itoa(int(2*c.config.QPS))))
}

// freePorts finds ports that are free at once, so that no two of them are the same.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
