package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/version"

	"github.com/gameday-toolkit/gameday/internal/cluster/pki"
	"github.com/gameday-toolkit/gameday/internal/cluster/process"
)

// kubernetesVersion is the one that is linked into this program.
var kubernetesVersion = version.Get().GitVersion

// masters is the group that may do anything.
var masters = []string{"system:masters"}

// Cluster is a running cluster. One goroutine owns it: the one that called run.
type Cluster struct {
	config      Config
	layout      layout
	self        string
	starter     *process.Starter
	machine     net.Listener // the claim on the machine, for real nodes
	janitor     *process.Janitor
	ports       []int // free ones, by the constants below
	etcd        string
	credentials *credentials
	rest        *rest.Config
	client      kubernetes.Interface
	nodes       []node
	components  []*component // in the order of their start
	dns         string       // host:port
	stopDNS     func()
	startup     time.Duration
}

const (
	etcdPort = iota
	etcdPeerPort
	serverPort
	dnsPort
	dnsHealthPort
	dnsReadyPort
	portCount
)

const loopback = "127.0.0.1"

func newCluster(config Config) (*Cluster, error) {
	path, err := self()
	if err != nil {
		return nil, err
	}
	return &Cluster{
		config: config, layout: layout{config.Dir}, self: path,
		stopDNS: func() {}, starter: process.NewStarter(), nodes: nodesOf(config.Zones, config.NodesPerZone),
	}, nil
}

// start brings everything up in the order in which it is needed, and returns when a test can begin.
func (c *Cluster) start(ctx context.Context) error {
	if err := c.claimMachine(ctx); err != nil {
		return err
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	steps := []func(context.Context) error{
		c.prepare, c.startRuntimes, c.startEtcd, c.startAPIServer, c.startControllers, c.startScheduler,
		c.startNodes, c.awaitNodes, c.startDNS,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	c.startup = time.Since(begun).Round(time.Millisecond)
	return c.publish()
}

// publish writes what a test reads. The kubeconfig comes last: where it is, the cluster is ready.
func (c *Cluster) publish() error {
	if err := c.state().write(c.layout); err != nil {
		return err
	}
	return c.credentials.kubeconfig(c.layout.kubeconfig(), pki.Subject{Name: "admin", Groups: masters})
}

// prepare makes all that the components read: addresses, certificates, a client.
func (c *Cluster) prepare(ctx context.Context) error {
	var err error
	if c.ports, err = freePorts(portCount); err != nil {
		return err
	}
	host, port := loopback, c.ports[serverPort]
	if c.config.Nodes == kubeletNodes {
		host = bridgeIP
		if err := c.prepareMachine(ctx); err != nil {
			return err
		}
	}
	if c.config.Port != 0 {
		port = c.config.Port
	}
	server := "https://" + net.JoinHostPort(host, strconv.Itoa(port))
	if c.credentials, err = newCredentials(c.layout, server); err != nil {
		return err
	}
	return c.connect()
}

func (c *Cluster) connect() error {
	kubeconfig := c.credentials.path("supervisor.kubeconfig")
	if err := c.credentials.kubeconfig(kubeconfig, pki.Subject{Name: "supervisor", Groups: masters}); err != nil {
		return err
	}
	var err error
	if c.rest, err = clientcmd.BuildConfigFromFlags("", kubeconfig); err != nil {
		return fmt.Errorf("reading the supervisor's kubeconfig: %w", err)
	}
	c.rest.QPS, c.rest.Burst = 200, 400
	c.client, err = kubernetes.NewForConfig(c.rest)
	return err
}

func (c *Cluster) startNodes(ctx context.Context) error {
	if c.config.Nodes == kubeletNodes {
		return c.startKubelets(ctx)
	}
	return c.startKwok(ctx)
}

// end ends everything, newest first. Nothing is kept, so nothing needs the time to end by itself.
func (c *Cluster) end() error {
	c.stopDNS()
	for _, component := range slices.Backward(c.components) {
		component.end()
	}
	c.starter.Close()
	if c.machine == nil {
		return nil
	}
	err := restoreMachine(c.nodes)
	if err == nil {
		c.janitor.Dismiss()
	}
	return errors.Join(err, c.machine.Close())
}

func (c *Cluster) versions() map[string]string {
	versions := map[string]string{"kubernetes": kubernetesVersion}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "go.etcd.io/etcd/server/v3" {
				versions["etcd"] = module.Version
			}
		}
	}
	if c.config.Nodes == kwokNodes {
		versions["kwok"] = kwokVersion
	}
	return versions
}

// kwokVersion is set by the build script, which also builds kwok.
var kwokVersion = "unknown"
