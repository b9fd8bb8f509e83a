package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/records"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/watchdog"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// needing is a block type that says which permissions it takes, of a block with this configuration, and for a fault on these targets.
// Without either it says which it may ever take.
type needing interface {
	needsOf(config json.RawMessage, targets []sdk.Target) ([]access.Need, error)
}

func (f *fault[U]) needsOf(config json.RawMessage, targets []sdk.Target) ([]access.Need, error) {
	out := f.needs(targets)
	if f.also == nil {
		return out, nil
	}
	more, err := f.also(config, targets)
	return append(out, more...), err
}

func (t *targetType[S]) needsOf(config json.RawMessage, _ []sdk.Target) ([]access.Need, error) {
	c := t.defaults
	err := sdk.Request{ID: t.name, Config: config}.Decode(&c)
	return t.needs(c), err
}

func (p *prober[C]) needsOf(config json.RawMessage, _ []sdk.Target) ([]access.Need, error) {
	c := p.defaults
	err := sdk.Request{ID: "probe", Config: config}.Decode(&c)
	return p.needs(c), err
}

// rbac writes the roles for a scenario, or for everything that the plugin can do.
func (p *provider) rbac(_ context.Context, req sdk.DocumentRequest) (string, error) {
	needs, err := p.needsOfPlugin(req.Plugins)
	if err != nil {
		return "", err
	}
	of := "everything that the Kubernetes plugin of gameday can do"
	if req.Scenario == "" {
		for _, n := range p.everything() {
			more, err := n.needsOf(nil, nil)
			if err != nil {
				return "", err
			}
			needs = append(needs, more...)
		}
	} else {
		of = fmt.Sprintf("the scenario %q", req.Scenario)
		more, err := p.needsOfBlocks(req.Blocks)
		if err != nil {
			return "", err
		}
		needs = append(needs, more...)
	}
	roles, err := access.Manifest(roleName, needs)
	if err != nil {
		return "", err
	}
	own, err := p.rbacOfWatchdogs(req)
	return fmt.Sprintf("# The permissions for %s.\n# Apply it with kubectl, and bind the roles to the user or the service account that gameday has.\n%s%s", of, roles, own), err
}

// needsOfPlugin are the permissions that the plugin takes whatever the scenario: the identity of the cluster, records of faults, and
// what the cluster says about itself.
func (p *provider) needsOfPlugin(blocks []sdk.DocumentPlugin) ([]access.Need, error) {
	if len(blocks) == 0 {
		blocks = []sdk.DocumentPlugin{{}}
	}
	out := append(access.On(cluster.Namespaces, "", "kube-system", "get"), observeNeeds()...)
	for _, b := range blocks {
		c := configDefaults()
		if err := (sdk.Settings{Config: b.Config}).Decode(&c); err != nil {
			return nil, err
		}
		out = append(out, records.Store{Namespace: c.Namespace}.Needs()...)
		if c.Watchdog != nil {
			out = append(out, watchdog.Needs(c.Namespace)...)
		}
	}
	return out, nil
}

// everything is every block type.
func (p *provider) everything() map[string]needing {
	out := map[string]needing{}
	for name, v := range p.faults() {
		out["fault "+name], _ = v.(needing)
	}
	for name, v := range p.targets() {
		out["target "+name], _ = v.(needing)
	}
	for name, v := range p.actions() {
		out["action "+name], _ = v.(needing)
	}
	for name, v := range p.probers() {
		out["probe "+name], _ = v.(needing)
	}
	maps.DeleteFunc(out, func(_ string, n needing) bool { return n == nil })
	return out
}

// needsOfBlocks are those of all blocks, or of these kinds of block alone.
func (p *provider) needsOfBlocks(blocks []sdk.DocumentBlock, kinds ...string) (out []access.Need, err error) {
	all := p.everything()
	for _, b := range blocks {
		n := all[b.Kind+" "+b.Type]
		if n == nil || len(kinds) > 0 && !slices.Contains(kinds, b.Kind) {
			continue
		}
		var targets []sdk.Target
		for _, t := range blocks {
			if t.Kind == "target" && slices.Contains(b.Targets, t.ID) {
				targets = append(targets, likely(t)...)
			}
		}
		more, err := n.needsOf(b.Config, targets)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.ID, err)
		}
		out = append(out, more...)
	}
	return out, nil
}

// anyName stands for the name of a target that is not known before it is resolved.
const anyName = "*"

// likely are targets as a target block would find them, as far as that is known from its configuration.
func likely(b sdk.DocumentBlock) (out []sdk.Target) {
	var c struct {
		Namespace string   `json:"namespace"`
		Kinds     []string `json:"kinds"`
		Names     []string `json:"names"`
	}
	if json.Unmarshal(b.Config, &c) != nil || len(c.Names) == 0 || b.Type == "kubernetes_zone" {
		c.Names = []string{anyName}
	}
	for _, k := range kindsOf(b.Type, c.Kinds) {
		for _, name := range c.Names {
			out = append(out, target(b.Type, cluster.Ref{Kind: k, Namespace: c.Namespace, Name: name, UID: anyName}, nil))
		}
	}
	if len(out) == 0 {
		out = append(out, sdk.Target{Type: b.Type, ID: anyName, Name: anyName})
	}
	return out
}

func kindsOf(targetType string, kinds []string) (out []cluster.Kind) {
	switch targetType {
	case "kubernetes_workload":
		if len(kinds) == 0 {
			kinds = []string{"deployment", "statefulset"}
		}
		for _, name := range kinds {
			out = append(out, workloadKinds()[name])
		}
		return out
	case "kubernetes_zone":
		return nil
	}
	for _, k := range cluster.Kinds() {
		if strings.TrimPrefix(targetType, "kubernetes_") == strings.ToLower(k.Kind) {
			out = append(out, k)
		}
	}
	return out
}
