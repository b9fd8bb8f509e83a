package kubernetes

import (
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// watcher knows what the faults of this session are about.
type watcher struct {
	mu     sync.Mutex
	exact  map[subject]bool
	owners []subject
	seen   map[string]bool
	order  []string
}

// subject is an object as an event names it.
type subject struct{ kind, namespace, name string }

// The most that is remembered: what one session follows, and of which events it has told.
const (
	mostFollowed = 20_000
	mostSeen     = 10_000
)

func newWatcher() *watcher { return &watcher{exact: map[subject]bool{}, seen: map[string]bool{}} }

// follow adds what a fault is about: its targets with their nodes and owners, and the objects that it changes.
func (w *watcher) follow(h sdk.Handle, objects []cluster.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range h.Targets {
		if node := t.Attrs["node"]; node != "" {
			w.add(subject{cluster.Nodes.Kind, "", node})
		}
		if kind, name, ok := strings.Cut(t.Attrs["owner"], "/"); ok {
			w.add(subject{kindNamed(kind), t.Attrs["namespace"], name})
		}
	}
	for _, r := range append(refs(h.Targets), objects...) {
		w.add(subject{r.Kind.Kind, r.Namespace, r.Name})
	}
}

func (w *watcher) add(s subject) {
	if w.exact[s] || len(w.exact) >= mostFollowed {
		return
	}
	w.exact[s] = true
	switch s.kind {
	case cluster.Deployments.Kind, cluster.ReplicaSets.Kind, cluster.StatefulSets.Kind, cluster.DaemonSets.Kind, cluster.Jobs.Kind, cluster.ReplicationControllers.Kind, cluster.Namespaces.Kind:
		w.owners = append(w.owners, s)
	}
}

// kindNamed is the kind of a workload by its name in a scenario.
func kindNamed(name string) string {
	if k, ok := workloadKinds()[name]; ok {
		return k.Kind
	}
	return name
}

// concerns says whether an event is about what is followed, and has not been told of yet: the same event comes again with every
// repetition.
func (w *watcher) concerns(e *corev1.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := subject{e.InvolvedObject.Kind, e.InvolvedObject.Namespace, e.InvolvedObject.Name}
	if w.seen[string(e.UID)] || !w.exact[s] && !w.belongs(s) {
		return false
	}
	w.seen[string(e.UID)] = true
	if w.order = append(w.order, string(e.UID)); len(w.order) > mostSeen {
		delete(w.seen, w.order[0])
		w.order = w.order[1:]
	}
	return true
}

// belongs says whether an object belongs to one that is followed. An event does not say so, but names do: what a controller makes is
// called by its own name and something after it. Everything in a namespace belongs to it.
func (w *watcher) belongs(s subject) bool {
	for _, o := range w.owners {
		if o.kind == cluster.Namespaces.Kind && s.namespace == o.name {
			return true
		}
		made := s.kind == cluster.Pods.Kind || s.kind == cluster.ReplicaSets.Kind || s.kind == cluster.Jobs.Kind
		if made && s.namespace == o.namespace && strings.HasPrefix(s.name, o.name+"-") {
			return true
		}
	}
	return false
}
