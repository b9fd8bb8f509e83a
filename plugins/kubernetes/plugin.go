package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/records"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Version is the version of the plugin.
const Version = "0.1.0"

// provider is the plugin in one process.
type provider struct {
	mu      sync.Mutex
	current *session
}

// session is what the plugin knows once it is configured.
type session struct {
	cluster *cluster.Cluster
	records records.Store
	access  *access.Checker
	memory  *memory
	watcher *watcher
	leashes *leashes

	watchdogs watchdogs
}

func newSession(k *cluster.Cluster, namespace string, w watchdogs) *session {
	return &session{
		cluster: k, records: records.Store{Cluster: k, Namespace: namespace}, access: access.NewChecker(k), memory: newMemory(), watcher: newWatcher(),
		leashes: newLeashes(), watchdogs: w,
	}
}

type config struct {
	Kubeconfig        string   `json:"kubeconfig"`
	Context           string   `json:"context"`
	Impersonate       string   `json:"impersonate"`
	ImpersonateGroups []string `json:"impersonate_groups"`
	QPS               float32  `json:"qps"`
	Burst             int      `json:"burst"`
	Namespace         string   `json:"namespace"`

	Watchdog *watchdogConfig `json:"watchdog"`
}

// New returns the plugin.
func New() *sdk.Plugin {
	p := &provider{}
	return &sdk.Plugin{
		Name: "kubernetes", Version: Version,
		Doc: "Faults of a Kubernetes cluster: its zones, nodes, workloads and pods. A fault that stands is recorded in the cluster, " +
			"so that gameday sweep finds it without a journal. What becomes of each when every process of gameday dies is in docs/plugins/kubernetes.md.",
		Config: configSchema(),
		Outputs: []sdk.Attribute{
			{Name: "server", Type: sdk.String, Doc: "The URL of the API server."},
			{Name: "context", Type: sdk.String, Doc: "The name of the context in the kubeconfig; empty inside a cluster."},
			{Name: "cluster", Type: sdk.String, Doc: "What tells the cluster from every other: the UID of its namespace kube-system."},
		},
		Configure: p.configure, Sweep: p.sweep, Observe: p.observe, Leased: p.leased,
		Targets: p.targets(), Faults: p.faults(), Probers: p.probers(), Actions: p.actions(),
		Documents: map[string]sdk.Document{"rbac": {Doc: "The smallest roles with which the plugin can do it all, for kubectl apply.", Write: p.rbac}},
	}
}

func configDefaults() config { return config{QPS: 50, Burst: 100, Namespace: "default"} }

func configSchema() sdk.Schema {
	return sdk.Schema{Attributes: []sdk.Attribute{
		{Name: "kubeconfig", Type: sdk.String, Doc: "The path of a kubeconfig. By default it is found as kubectl finds it: KUBECONFIG, then ~/.kube/config, then the service account of the pod that gameday runs in."},
		{Name: "context", Type: sdk.String, Doc: "The context of the kubeconfig; by default its current one."},
		{Name: "impersonate", Type: sdk.String, Doc: "The user to act as, like kubectl --as."},
		{Name: "impersonate_groups", Type: sdk.StringList, Doc: "The groups to act in, like kubectl --as-group."},
		{Name: "qps", Type: sdk.Number, Default: 50, Doc: "Requests per second, at most."},
		{Name: "burst", Type: sdk.Number, Default: 100, Doc: "Requests at once, at most."},
		{Name: "namespace", Type: sdk.String, Default: "default", Doc: "The namespace in which a ConfigMap records each fault that stands. It has to exist."},
	}, Blocks: []sdk.Block{{Name: "watchdog", Max: 1, Schema: watchdogSchema()}}}
}

func (p *provider) configure(ctx context.Context, set sdk.Settings) (map[string]any, []sdk.Problem, error) {
	c := configDefaults()
	if err := set.Decode(&c); err != nil {
		return nil, nil, err
	}
	if problems := append(c.check(), c.Watchdog.check(set.Lease)...); len(problems) > 0 {
		return nil, problems, nil
	}
	k, err := cluster.Connect(ctx, cluster.Config{
		Kubeconfig: c.Kubeconfig, Context: c.Context, User: c.Impersonate, Groups: c.ImpersonateGroups, QPS: c.QPS, Burst: c.Burst,
	})
	if found := connectProblem(err); found != nil {
		return nil, []sdk.Problem{*found}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = newSession(k, c.Namespace, c.Watchdog.watchdogs(k, c.Namespace))
	return map[string]any{"server": k.Server, "context": k.Context, "cluster": k.UID}, nil, nil
}

func (c config) check() (out []sdk.Problem) {
	if c.QPS <= 0 {
		out = append(out, problem("qps", "Without requests nothing can be undone", "Use a positive number."))
	}
	if c.Burst <= 0 {
		out = append(out, problem("burst", "Without requests nothing can be undone", "Use a positive number."))
	}
	if len(c.ImpersonateGroups) > 0 && c.Impersonate == "" {
		out = append(out, problem("impersonate_groups", "Groups can be impersonated only together with a user", "Set impersonate."))
	}
	return out
}

// connectProblem is what the author of the plugin's block can mend.
func connectProblem(err error) *sdk.Problem {
	var out sdk.Problem
	switch {
	case errors.Is(err, cluster.ErrNoConfig):
		out = problem("kubeconfig", "There is no cluster to talk to", "Give a kubeconfig, or set KUBECONFIG.")
	case errors.Is(err, cluster.ErrNoContext):
		out = problem("context", sentence(err), "See kubectl config get-contexts.")
	case apierrors.IsForbidden(err):
		out = problem("", "The identity of the cluster cannot be read: "+err.Error(), "Allow it to get the namespace kube-system.")
		out.Permission = "get namespaces kube-system"
	default:
		return nil
	}
	return &out
}

// session is what Configure has set up; the SDK sees to it that it comes first.
func (p *provider) session() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

func problem(path, summary, detail string) sdk.Problem {
	out := sdk.Problem{Severity: sdk.Error, Summary: summary, Detail: detail}
	if path != "" {
		out.Path = strings.Split(path, ".")
	}
	return out
}

func warning(path, summary, detail string) sdk.Problem {
	out := problem(path, summary, detail)
	out.Severity = sdk.Warning
	return out
}

// sentence is an error as a summary.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}

func inactive(format string, args ...any) sdk.State {
	return sdk.State{Status: sdk.Inactive, Evidence: fmt.Sprintf(format, args...)}
}

func active(format string, args ...any) sdk.State {
	return sdk.State{Status: sdk.Active, Evidence: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) sdk.State {
	return sdk.State{Status: sdk.Unknown, Evidence: fmt.Sprintf(format, args...)}
}
