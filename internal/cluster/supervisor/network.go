package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
)

// The nodes' network: one bridge, and on it one veth pair for each node, whose far end is in the node's namespace.
const (
	bridge   = "gdc0"
	bridgeIP = "10.77.0.1"
	podRange = "10.78.0.0/16"
)

func (n node) namespace() string { return "gdc-" + n.name }
func (n node) link() string      { return fmt.Sprintf("gdc-v%d", n.index) }

// makeNetwork makes the bridge, the namespaces, and the routes to every node's pods, from here and from each other.
func makeNetwork(ctx context.Context, nodes []node) error {
	here := []string{"link add " + bridge + " type bridge", "addr add " + bridgeIP + "/24 dev " + bridge,
		"link set " + bridge + " up"}
	for _, n := range nodes {
		here = append(here, "netns add "+n.namespace(),
			fmt.Sprintf("link add %s type veth peer name eth0 netns %s", n.link(), n.namespace()),
			fmt.Sprintf("link set %s master %s up", n.link(), bridge),
			fmt.Sprintf("route add %s via %s dev %s", n.podRange(), n.address(), bridge))
	}
	if err := ip(ctx, here); err != nil {
		return fmt.Errorf("making the nodes' network: %w", err)
	}
	for _, n := range nodes {
		if err := ip(ctx, n.inside(nodes), "-n", n.namespace()); err != nil {
			return fmt.Errorf("making the network of %s: %w", n.name, err)
		}
		forward := exec.CommandContext(ctx, "nsenter", "--net=/run/netns/"+n.namespace(), "sysctl", "-qw", "net.ipv4.ip_forward=1")
		if err := do(forward); err != nil {
			return fmt.Errorf("letting %s forward to its pods: %w", n.name, err)
		}
	}
	return nil
}

func (n node) inside(nodes []node) []string {
	commands := []string{"link set lo up", "addr add " + n.address() + "/24 dev eth0", "link set eth0 up",
		"route add default via " + bridgeIP}
	for _, other := range nodes {
		if other.index != n.index {
			commands = append(commands, "route add "+other.podRange()+" via "+other.address())
		}
	}
	return commands
}

// removeNetwork removes what of it is there. Routes and far ends go with their links.
func removeNetwork(ctx context.Context, nodes []node) error {
	var failures []error
	drop := func(there string, command ...string) {
		if _, err := os.Lstat(there); err == nil {
			failures = append(failures, do(exec.CommandContext(ctx, "ip", command...)))
		}
	}
	for _, n := range nodes {
		drop("/sys/class/net/"+n.link(), "link", "del", n.link())
		drop("/run/netns/"+n.namespace(), "netns", "del", n.namespace())
	}
	drop("/sys/class/net/"+bridge, "link", "del", bridge)
	return errors.Join(failures...)
}

// link takes the links of a zone's nodes up or down.
func (c *Cluster) link(ctx context.Context, zone string, up bool) error {
	if c.config.Nodes != kubeletNodes {
		return fmt.Errorf("simulated nodes have no links; stop %s instead", kwokOf(zone))
	}
	to, commands := "down", []string(nil)
	if up {
		to = "up"
	}
	for _, n := range c.nodes {
		if n.zone == zone {
			commands = append(commands, "link set "+n.link()+" "+to)
		}
	}
	if commands == nil {
		return fmt.Errorf("no zone %q; there are %q", zone, zonesOf(c.nodes))
	}
	return ip(ctx, commands)
}

// ip carries out many commands of ip(8) in one process.
func ip(ctx context.Context, commands []string, flags ...string) error {
	command := exec.CommandContext(ctx, "ip", append(flags, "-batch", "-")...)
	command.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	return do(command)
}

// do runs a command; its error is what the command said.
func do(command *exec.Cmd) error {
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

// machineClaim is an abstract socket, which the kernel gives up for us however we end.
const machineClaim = "@gameday-cluster-machine"

// claimMachine waits until no other cluster of kubelets is on this machine: they would have the same addresses.
func claimMachine(ctx context.Context) (net.Listener, error) {
	var listener net.Listener
	err := poll(ctx, func(ctx context.Context) error {
		var config net.ListenConfig
		var err error
		listener, err = config.Listen(ctx, "unix", machineClaim)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for another cluster of kubelets on this machine to end: %w", err)
	}
	return listener, nil
}
