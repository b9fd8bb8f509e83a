package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// machineWait is how long a cluster of real nodes waits for its turn. It is no part of the time until it is ready.
const machineWait = 10 * time.Minute

// claimMachine takes the machine for real nodes, once it has what they need.
func (c *Cluster) claimMachine(ctx context.Context) error {
	if c.config.Nodes != kubeletNodes {
		return nil
	}
	if err := checkMachine(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, machineWait)
	defer cancel()
	var err error
	c.machine, err = claimMachine(ctx)
	return err
}

// prepareMachine makes the networks and the cgroups of real nodes.
func (c *Cluster) prepareMachine(ctx context.Context) error {
	var err error
	if c.janitor, err = startJanitor(c.self, c.layout); err != nil {
		return err
	}
	// What a killed cluster of another directory left behind would be in the way.
	if err := cleanMachine(ctx, c.nodes); err != nil {
		return err
	}
	if err := makeNetwork(ctx, c.nodes); err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := n.makeCgroups(); err != nil {
			return err
		}
	}
	return nil
}

// checkMachine names everything that is missing at once.
func checkMachine() error {
	if os.Geteuid() != 0 {
		return errors.New("-nodes kubelet needs root: it makes network namespaces and cgroups; use -nodes kwok without")
	}
	var missing []error
	for _, program := range []string{"containerd", "containerd-shim-runc-v2", "runc", "ctr", "nft", "ip", "nsenter", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, err)
		}
	}
	if _, err := os.Stat(filepath.Join(cniPrograms, "ptp")); err != nil {
		missing = append(missing, err)
	}
	if len(missing) > 0 {
		return fmt.Errorf("-nodes kubelet needs programs that are not here: %w; "+
			"apt-get install containerd runc containernetworking-plugins nftables iproute2 util-linux", errors.Join(missing...))
	}
	_, err := hierarchies()
	return err
}

const restoreTimeout = 30 * time.Second

// restoreMachine ends and removes all that real nodes left. It needs no more than their names, and may be repeated.
func restoreMachine(nodes []node) error {
	ctx, cancel := context.WithTimeout(context.Background(), restoreTimeout)
	defer cancel()
	return cleanMachine(ctx, nodes)
}

func cleanMachine(ctx context.Context, nodes []node) error {
	var failures []error
	for _, n := range nodes {
		failures = append(failures, n.kill(ctx), n.removeCgroups(ctx))
	}
	// The mounts of a node are in its own mount namespace, and went with its last process. What they were mounted on
	// stays if it is not empty: then it is someone else's.
	for _, directory := range []string{"/var/lib/kubelet", "/var/lib/cni"} {
		_ = os.Remove(directory)
	}
	return errors.Join(append(failures, removeNetwork(ctx, nodes))...)
}
