package supervisor

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/cluster/pki"
)

// cniPrograms is where Debian's containernetworking-plugins puts them.
const cniPrograms = "/usr/lib/cni"

//go:embed node.sh
var nodeScript []byte

//go:embed node-containerd.toml
var nodeContainerd []byte

//go:embed node-kubelet.yaml
var nodeKubelet string

//go:embed node-network.json
var nodeNetwork string

// A real node is four components: one that holds its mount namespace, and three that work inside.
func (n node) holder() string     { return n.name }
func (n node) containerd() string { return "containerd-" + n.name }
func (n node) kubelet() string    { return "kubelet-" + n.name }
func (n node) proxy() string      { return "proxy-" + n.name }

// root is the node's directory here; inside the node it is /run.
func (c *Cluster) root(n node) string { return c.layout.file("nodes", n.name) }

// startRuntimes starts the nodes as far as they need no API server, and gives them their images.
func (c *Cluster) startRuntimes(ctx context.Context) error {
	if c.config.Nodes != kubeletNodes {
		return nil
	}
	archive, err := c.archives()
	if err != nil {
		return err
	}
	var runtimes []*component
	for _, n := range c.nodes {
		if err := c.furnish(n); err != nil {
			return fmt.Errorf("writing the files of %s: %w", n.name, err)
		}
		runtime := c.enter(n, n.containerd(), c.path("containerd"), "--config=/run/node/containerd.toml")
		if err := errors.Join(c.launch(ctx, c.hold(n)), c.launch(ctx, runtime)); err != nil {
			return err
		}
		runtime.ready = func(ctx context.Context) error { return c.containerdAnswers(ctx, n) }
		runtimes = append(runtimes, runtime)
	}
	for i, n := range c.nodes { // they came up meanwhile, all at once
		if err := errors.Join(runtimes[i].await(ctx), c.load(ctx, n, archive)); err != nil {
			return err
		}
	}
	return nil
}

// furnish writes what the node's programs read.
func (c *Cluster) furnish(n node) error {
	fill := strings.NewReplacer("{NODE}", n.name, "{ADDRESS}", n.address(), "{CGROUP}", n.cgroup(),
		"{POD_RANGE}", n.podRange(), "{DNS}", dnsIP, "{CNI}", cniPrograms)
	files := map[string]string{
		"run/node/node.sh": string(nodeScript), "run/node/containerd.toml": fill.Replace(string(nodeContainerd)),
		"run/node/kubelet.yaml": fill.Replace(nodeKubelet), "run/node/cni/10-pods.conf": fill.Replace(nodeNetwork),
		"run/node/ca.crt": string(c.credentials.authority.Cert),
	}
	for name, content := range files {
		path := filepath.Join(c.root(n), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
	}
	kubelet := pki.Subject{Name: "system:node:" + n.name, Groups: []string{"system:nodes"}}
	if err := c.credentials.kubeconfig(filepath.Join(c.root(n), "run/node/kubelet.kubeconfig"), kubelet); err != nil {
		return err
	}
	proxy := pki.Subject{Name: "system:kube-proxy"}
	return c.credentials.kubeconfig(filepath.Join(c.root(n), "run/node/proxy.kubeconfig"), proxy)
}

// hold is the process that keeps the node's mount namespace, so that each of the others can be killed and started.
func (c *Cluster) hold(n node) *component {
	holder := c.component(n.holder(), c.path("unshare"), "unshare", "--mount", "--propagation", "slave",
		"sh", filepath.Join(c.root(n), "run/node/node.sh"), n.members(), c.root(n), c.program("pause"))
	holder.ready = func(context.Context) error {
		_, err := os.Stat(fmt.Sprintf("/proc/%d/root/run/node/held", holder.child.Pid()))
		return err
	}
	return holder
}

// enter is a program inside the node: in its cgroup, its network and its mounts.
func (c *Cluster) enter(n node, name, program string, args ...string) *component {
	component := c.component(name, c.path("sh"))
	component.prepare = func() error {
		holder, err := c.find(n.holder())
		if err != nil {
			return err
		}
		component.spec.Args = append([]string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, n.members(), "nsenter",
			"--net=/run/netns/" + n.namespace(), fmt.Sprintf("--mount=/proc/%d/ns/mnt", holder.child.Pid()), program}, args...)
		return nil
	}
	return component
}

// startKubelets starts what makes nodes of the runtimes.
func (c *Cluster) startKubelets(ctx context.Context) error {
	for _, n := range c.nodes {
		labels := make([]string, 0, 6)
		for key, value := range n.labels(kubeletNodes) {
			if !strings.HasPrefix(key, "kubernetes.io/") { // those it knows by itself
				labels = append(labels, key+"="+value)
			}
		}
		kubelet := c.enter(n, n.kubelet(), c.program("kubelet"), "--config=/run/node/kubelet.yaml",
			"--kubeconfig=/run/node/kubelet.kubeconfig", "--cert-dir=/run/node/pki",
			"--hostname-override="+n.name, "--node-ip="+n.address(), "--node-labels="+strings.Join(labels, ","))
		proxy := c.enter(n, n.proxy(), c.program("kube-proxy"), "--kubeconfig=/run/node/proxy.kubeconfig",
			"--hostname-override="+n.name, "--proxy-mode=nftables", "--cluster-cidr="+podRange,
			// These would write to settings that belong to the whole machine.
			"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0")
		if err := errors.Join(c.launch(ctx, kubelet), c.launch(ctx, proxy)); err != nil {
			return err
		}
	}
	return nil
}

// program is one that the build made, by the path of its own name.
func (c *Cluster) program(name string) string { return filepath.Join(filepath.Dir(c.self), name) }

// path is a program of the machine; checkMachine saw that it is there.
func (c *Cluster) path(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return name // starting it tells
	}
	return path
}
