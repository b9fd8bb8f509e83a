package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A pod that was deleted cannot be brought back: what controls it makes another. So undoing means waiting until each of
// those has as many ready pods as before, and failing by name if one has not.

// owner is what controls pods that a fault takes away.
type owner struct {
	Object cluster.Ref `json:"object"`
	// Selector finds the pods that it may control.
	Selector string `json:"selector"`
	// Ready is how many of its pods were ready before.
	Ready int `json:"ready"`
}

// respawn is how a fault waits for pods to be replaced.
type respawn struct {
	Owners []owner `json:"owners,omitempty"`
	// Within is how long it may take once the fault is to be undone. Zero: nobody waits.
	Within sdk.Span `json:"within"`
}

func (r respawn) follows() (out []cluster.Ref) {
	for _, o := range r.Owners {
		out = append(out, o.Object)
	}
	return out
}

type respawnConfig struct {
	Respawn       bool     `json:"respawn"`
	RespawnWithin sdk.Span `json:"respawn_within"`
}

// respawnDefault is shorter than one attempt of a revert, so that the error says who is missing.
const respawnDefault = 45 * time.Second

func respawnAttributes() []sdk.Attribute {
	return []sdk.Attribute{
		{Name: "respawn", Type: sdk.Bool, Default: true, Doc: "Check, when the fault is undone, that each workload has as many ready pods as before. false: nobody complains if not."},
		{Name: "respawn_within", Type: sdk.Duration, Default: respawnDefault.String(), Doc: "How long that may take once the fault is to be undone."},
	}
}

func respawnDefaults() respawnConfig {
	return respawnConfig{Respawn: true, RespawnWithin: sdk.Span(respawnDefault)}
}

// controllers are the kinds of controller for which it is known how many pods they should have.
func controllers() []cluster.Kind {
	return []cluster.Kind{cluster.ReplicaSets, cluster.StatefulSets, cluster.DaemonSets, cluster.Jobs, cluster.ReplicationControllers}
}

// respawnNeeds are the permissions for finding the owners of pods, and waiting for them.
func respawnNeeds(namespace string) (out []access.Need) {
	for _, k := range controllers() {
		out = append(out, access.On(k, namespace, "", "get")...)
	}
	return append(out, access.On(cluster.Pods, namespace, "", "get", "list")...)
}

// plan finds what controls the pods, and how many ready ones it has.
func (c respawnConfig) plan(ctx context.Context, s *session, pods []corev1.Pod) (out respawn, problems []sdk.Problem, err error) {
	for _, p := range pods {
		o := metav1.GetControllerOf(&p)
		if o == nil {
			problems = append(problems, problem("targets", fmt.Sprintf("Nothing controls the pod %s/%s", p.Namespace, p.Name), "Nobody would make another one. Choose pods of a workload."))
		}
	}
	if c.Respawn && c.RespawnWithin <= 0 {
		problems = append(problems, problem("respawn_within", "Pods cannot be replaced in no time", "Say how long it may take, such as 30s."))
	}
	if len(problems) > 0 || !c.Respawn {
		return out, problems, nil
	}
	out.Within = c.RespawnWithin
	for _, p := range pods {
		o := metav1.GetControllerOf(&p)
		if slices.ContainsFunc(out.Owners, func(x owner) bool { return x.Object.UID == string(o.UID) }) {
			continue
		}
		i := slices.IndexFunc(controllers(), func(k cluster.Kind) bool { return k.Kind == o.Kind && k.APIVersion() == o.APIVersion })
		if i < 0 {
			problems = append(problems, problem("respawn", fmt.Sprintf("The pod %s/%s belongs to a %s, of which it is not known how many pods it should have", p.Namespace, p.Name, o.Kind), "Use respawn = false, and watch it with a probe."))
			continue
		}
		one, err := s.owner(ctx, cluster.Ref{Kind: controllers()[i], Namespace: p.Namespace, Name: o.Name, UID: string(o.UID)})
		if err != nil {
			return out, nil, err
		}
		out.Owners = append(out.Owners, one)
	}
	return out, problems, nil
}

func (s *session) owner(ctx context.Context, r cluster.Ref) (owner, error) {
	out := owner{Object: r}
	o, err := s.cluster.Find(ctx, r)
	if err != nil || o == nil {
		return out, err
	}
	if out.Selector, err = selectorOf(o); err != nil {
		return out, fmt.Errorf("reading the selector of %s: %w", r, err)
	}
	out.Ready, err = s.readyPods(ctx, out)
	return out, err
}

// selectorOf is the label selector of a controller.
func selectorOf(o *unstructured.Unstructured) (string, error) {
	raw, _, err := unstructured.NestedMap(o.Object, "spec", "selector")
	if err != nil {
		return "", err
	}
	if o.GetKind() == cluster.ReplicationControllers.Kind {
		raw = map[string]any{"matchLabels": raw}
	}
	var parsed metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &parsed); err != nil {
		return "", err
	}
	selector, err := metav1.LabelSelectorAsSelector(&parsed)
	if err != nil {
		return "", err
	}
	return selector.String(), nil
}

func (s *session) readyPods(ctx context.Context, o owner) (n int, err error) {
	pods, err := s.listPods(ctx, o.Object.Namespace, o.Selector)
	for _, p := range pods {
		c := metav1.GetControllerOf(&p)
		if c != nil && string(c.UID) == o.Object.UID && !over(p) && podReady(p) {
			n++
		}
	}
	return n, err
}

// lacks says what is missing, or nothing. What a workload should have by now may be less than before.
func (s *session) lacks(ctx context.Context, o owner) (string, error) {
	is, err := s.cluster.Find(ctx, o.Object)
	if err != nil || is == nil {
		return "", err
	}
	want := min(int64(o.Ready), wanted(is))
	has, err := s.readyPods(ctx, o)
	if err != nil || int64(has) >= want {
		return "", err
	}
	return fmt.Sprintf("%s has %d ready pods of %d", o.Object, has, want), nil
}

// wanted is how many pods a controller should have by now. A Job that has ended needs none.
func wanted(o *unstructured.Unstructured) int64 {
	path := []string{"spec", "replicas"}
	switch o.GetKind() {
	case cluster.DaemonSets.Kind:
		path = []string{"status", "desiredNumberScheduled"}
	case cluster.Jobs.Kind:
		path = []string{"status", "active"}
	}
	n, ok, err := unstructured.NestedInt64(o.Object, path...)
	if !ok && err == nil && o.GetKind() != cluster.Jobs.Kind {
		return 1
	}
	return n
}

// respawnPoll is how often it is looked whether pods were replaced.
const respawnPoll = 250 * time.Millisecond

// wait returns when every workload has its pods again, or says which have not. Only the waiting ends in time, and no request: the last
// look is complete.
func (r respawn) wait(ctx context.Context, s *session) error {
	if r.Within == 0 {
		return nil
	}
	tick := time.NewTicker(respawnPoll)
	defer tick.Stop()
	for end := time.Now().Add(time.Duration(r.Within)); ; {
		missing, err := r.missing(ctx, s)
		switch {
		case err != nil:
			return err
		case len(missing) == 0:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("the pods that were taken away have not been replaced within %v: %s", time.Duration(r.Within), strings.Join(missing, "; "))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the pods that were taken away have not been replaced: %s: %w", strings.Join(missing, "; "), context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// missing says of each workload that lacks pods what it lacks.
func (r respawn) missing(ctx context.Context, s *session) ([]string, error) {
	lacking := make([]string, len(r.Owners))
	err := each(ctx, indexes(r.Owners), func(i int) (err error) {
		lacking[i], err = s.lacks(ctx, r.Owners[i])
		return err
	})
	return slices.DeleteFunc(lacking, func(s string) bool { return s == "" }), err
}

func indexes[T any](items []T) []int {
	out := make([]int, len(items))
	for i := range items {
		out[i] = i
	}
	return out
}
