package watchdog

import (
	"strings"
	"time"

	coordination "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
)

// A run has at most one watchdog: a Lease that gameday renews, and a Job whose only pod watches it. Both have the same name. The
// Lease owns the Job, so that the pod can take everything away by deleting the Lease.
//
//	gameday                      the Lease               the pod
//	creates it and the Job  -->  holder: gameday
//	                             watched by: its name <-- writes itself into it
//	injects, and renews     -->  renewTime           <-- looks
//	deletes the Job and it  -->  gone                --> ends, having done nothing
//	or dies                      renewTime stands
//	                             holder: watchdog    <-- takes it, undoes every recorded fault of the run, deletes it
//
// Both sides write the Lease only if it still is what they read. So either the renewal or the taking is first, and the other fails.

const (
	holderGameday  = "gameday"
	holderWatchdog = "gameday-watchdog"
	// watchedBy is the annotation in which the pod says its version and its name, once it has read and written the Lease.
	watchedBy = "gameday/watched-by"
	// watchdogLabel is on the Lease, for whoever looks for watchdogs, and on the pod, which is no object of a fault and so has no other.
	watchdogLabel = "gameday/watchdog"
	// longest is how long a watchdog may run at all.
	longest = 24 * time.Hour
)

// The kinds of what a watchdog consists of.
var (
	leases          = cluster.Kind{Group: "coordination.k8s.io", Version: "v1", Resource: "leases", Kind: "Lease"}
	jobs            = cluster.Kind{Group: "batch", Version: "v1", Resource: "jobs", Kind: "Job"}
	serviceAccounts = cluster.Kind{Version: "v1", Resource: "serviceaccounts", Kind: "ServiceAccount"}
)

// Config says what the watchdog runs from.
type Config struct {
	// Image has gameday-plugin-kubernetes as its entry point.
	Image string
	// ServiceAccount is the one of the pod.
	ServiceAccount string
	// Lease is how long the watchdog waits for a renewal.
	Lease time.Duration
}

// user is how the API server knows the service account.
func (c Config) user(namespace string) string {
	return "system:serviceaccount:" + namespace + ":" + c.ServiceAccount
}

// Subject is the watchdog's service account, for questions about what it may.
func (c Config) Subject(namespace string) access.Subject {
	return access.Subject{User: c.user(namespace), Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}}
}

// Name is what the Lease and the Job of a run are called.
func Name(run string) string { return markOf(run).Name("watchdog") }

// ID is what the watchdog of a run is called where a fault has its ID.
func ID(run string) string { return strings.TrimPrefix(run+"/watchdog", "/") }

func markOf(run string) mark.Mark { return mark.Of(run, ID(run)) }

// Needs is what it takes to have watchdogs in a namespace.
func Needs(namespace string) (out []access.Need) {
	out = append(out, access.On(leases, namespace, "", "get", "create", "update", "delete")...)
	out = append(out, access.On(jobs, namespace, "", "get", "create", "delete")...)
	out = append(out, access.On(cluster.Pods, namespace, "", "list")...)
	return append(out, access.On(serviceAccounts, namespace, "", "get")...)
}

// OwnNeeds is what the watchdog itself needs in its namespace, whatever it has to undo.
func OwnNeeds(namespace string) (out []access.Need) {
	out = append(out, access.On(leases, namespace, "", "get", "update", "delete")...)
	out = append(out, access.On(cluster.ConfigMaps, namespace, "", "get", "list", "delete")...)
	return append(out, access.On(cluster.Namespaces, "", "kube-system", "get")...)
}

// lease is the Lease of a run as it begins.
func (c Config) lease(namespace, run string, now time.Time) change.Creation {
	return change.NewCreation(leases, namespace, Name(run), map[string]any{
		"metadata": map[string]any{"labels": map[string]any{watchdogLabel: "true"}},
		"spec": map[string]any{
			"holderIdentity": holderGameday, "leaseDurationSeconds": int(c.Lease.Seconds()), "renewTime": now.UTC().Format(microTime),
		},
	})
}

// microTime is how Kubernetes writes the times of a Lease.
const microTime = "2006-01-02T15:04:05.000000Z07:00"

// job is the Job of a run. Its pod comes up again wherever it can when it is evicted, such as by a fault, and does not wait minutes
// for a node that is lost.
func (c Config) job(namespace, run string, owner types.UID) change.Creation {
	container := map[string]any{
		"name": "watchdog", "image": c.Image, "args": []any{"watchdog", "-namespace", namespace, "-run", run},
		"resources": map[string]any{
			"requests": map[string]any{"cpu": "10m", "memory": "32Mi"}, "limits": map[string]any{"cpu": "500m", "memory": "256Mi"},
		},
		"securityContext": map[string]any{
			"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true, "runAsUser": 65532,
			"capabilities": map[string]any{"drop": []any{"ALL"}}, "seccompProfile": map[string]any{"type": "RuntimeDefault"},
		},
	}
	pod := map[string]any{
		"restartPolicy": "OnFailure", "serviceAccountName": c.ServiceAccount, "terminationGracePeriodSeconds": 5,
		"containers":  []any{container},
		"tolerations": []any{lostNode("not-ready"), lostNode("unreachable")},
	}
	labels := map[string]any{watchdogLabel: markOf(run).Hash}
	return change.NewCreation(jobs, namespace, Name(run), map[string]any{
		"metadata": map[string]any{"ownerReferences": []any{map[string]any{
			"apiVersion": leases.APIVersion(), "kind": leases.Kind, "name": Name(run), "uid": string(owner), "blockOwnerDeletion": false,
		}}},
		"spec": map[string]any{
			"activeDeadlineSeconds": int(longest.Seconds()), "backoffLimit": 100,
			"template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": pod},
		},
	})
}

func lostNode(what string) map[string]any {
	return map[string]any{"key": "node.kubernetes.io/" + what, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 10}
}

// taken says whether the watchdog has begun to undo.
func taken(l *coordination.Lease) bool {
	return l.Spec.HolderIdentity != nil && *l.Spec.HolderIdentity == holderWatchdog
}
