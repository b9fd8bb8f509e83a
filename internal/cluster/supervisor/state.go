package supervisor

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// State is cluster.json: what a test needs to know of a running cluster.
type State struct {
	Server     string               `json:"server"`
	Kubeconfig string               `json:"kubeconfig"`
	Nodes      string               `json:"flavour"` // kwok or kubelet
	Supervisor int                  `json:"supervisor"`
	Components map[string]Component `json:"components"`
	Versions   map[string]string    `json:"versions"`
	Zones      []Zone               `json:"zones"`
	DNS        string               `json:"dns,omitempty"` // host:port of cluster DNS
	Startup    float64              `json:"startup_seconds"`
}

// Component is one process of the cluster.
type Component struct {
	Pid   int    `json:"pid"`
	State string `json:"state"` // running, stopped or ended
	Log   string `json:"log"`
}

// Zone is one zone and its nodes.
type Zone struct {
	Name  string `json:"name"`
	Nodes []Node `json:"nodes"`
}

// Node is one node. Only a real one has a network namespace, a link and a cgroup.
type Node struct {
	Name      string `json:"name"`
	Address   string `json:"address"`
	PodRange  string `json:"pod_range"`
	Agent     string `json:"agent"` // the component that keeps it alive
	Namespace string `json:"namespace,omitempty"`
	Link      string `json:"link,omitempty"` // host's end of its veth pair
	Cgroup    string `json:"cgroup,omitempty"`
}

// readState reads cluster.json.
func readState(l layout) (State, error) {
	var state State
	content, err := os.ReadFile(l.state())
	if err != nil {
		return state, fmt.Errorf("reading the state of the cluster: %w", err)
	}
	if err := json.Unmarshal(content, &state); err != nil {
		return state, fmt.Errorf("reading %s: %w", l.state(), err)
	}
	return state, nil
}

// write replaces cluster.json in one step, so that no reader sees half of it.
func (s State) write(l layout) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	next := filepath.Join(l.inner(), "next.json")
	if err := os.WriteFile(next, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the state of the cluster: %w", err)
	}
	return os.Rename(next, l.state())
}

func (c *Cluster) state() State {
	state := State{
		Server: c.credentials.server, Kubeconfig: c.layout.kubeconfig(), Nodes: c.config.Nodes,
		Supervisor: os.Getpid(), Components: map[string]Component{}, Versions: c.versions(),
		DNS: c.dns, Startup: c.startup.Seconds(),
	}
	for _, component := range c.components {
		state.Components[component.spec.Name] = component.state()
	}
	for _, zone := range zonesOf(c.nodes) {
		state.Zones = append(state.Zones, c.zone(zone))
	}
	return state
}

func (c *component) state() Component {
	state := "running"
	switch {
	case !c.child.Alive():
		state = "ended"
	case c.stopped:
		state = "stopped"
	}
	return Component{Pid: c.child.Pid(), State: state, Log: c.spec.Log}
}

func (c *Cluster) zone(name string) Zone {
	zone := Zone{Name: name}
	for _, n := range c.nodes {
		if n.zone != name {
			continue
		}
		described := Node{Name: n.name, Address: n.address(), PodRange: n.podRange(), Agent: kwokOf(n.zone)}
		if c.config.Nodes == kubeletNodes {
			described.Agent, described.Namespace = n.kubelet(), n.namespace()
			described.Link, described.Cgroup = n.link(), n.cgroup()
		}
		zone.Nodes = append(zone.Nodes, described)
	}
	return zone
}
