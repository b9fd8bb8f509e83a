package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// rolloutPoll is how often it is looked how far a rollout has come.
const rolloutPoll = 100 * time.Millisecond

// revertImagePull waits until nothing is left of the fault but what was put back. How the rest of the rollout fares may be another's
// doing, and is not waited for.
func revertImagePull(ctx context.Context, s *session, _ sdk.Handle, u unpulled) error {
	var errs []error
	for _, w := range u.Workloads {
		errs = append(errs, s.endRollout(ctx, w, u.Prefix))
	}
	return errors.Join(errs...)
}

// endRollout deletes the pods that have an image of the fault. A Deployment would do so by itself; a StatefulSet waits for its broken
// pod to become ready before it replaces it, which it never does.
func (s *session) endRollout(ctx context.Context, w unpulledWorkload, prefix string) error {
	tick := time.NewTicker(rolloutPoll)
	defer tick.Stop()
	for {
		o, err := s.cluster.Find(ctx, w.Ref)
		if err != nil || o == nil || templateHas(o, prefix) {
			return err // gone, or somebody has changed it so that it was left alone
		}
		left, err := s.deleteUnpulled(ctx, w, prefix)
		if err == nil && left == 0 && observed(o) {
			left, err = s.forget(ctx, w, prefix)
			if err == nil && left == 0 {
				return nil
			}
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %d pods or revisions still have the image that cannot be pulled: %w", w.Ref, left, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// observed says whether the controller has seen what the workload is to be, so that it makes nothing of the fault any more.
func observed(o *unstructured.Unstructured) bool {
	n, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
	return n >= o.GetGeneration()
}

// templateHas says whether the pods of a workload, or of a revision of one, are to have an image of the fault.
func templateHas(o *unstructured.Unstructured, prefix string) bool {
	for _, path := range [][]string{{"spec", "template", "spec"}, {"data", "spec", "template", "spec"}} {
		for _, list := range []string{"containers", "initContainers"} {
			all, _, _ := unstructured.NestedSlice(o.Object, append(path, list)...)
			for _, v := range all {
				c, _ := v.(map[string]any)
				if image, _ := c["image"].(string); strings.HasPrefix(image, prefix) {
					return true
				}
			}
		}
	}
	return false
}

// deleteUnpulled deletes pods with an image of the fault, and says how many there were.
func (s *session) deleteUnpulled(ctx context.Context, w unpulledWorkload, prefix string) (int, error) {
	pods, err := s.unpulledPods(ctx, w, prefix)
	if err != nil {
		return 0, err
	}
	for _, p := range pods {
		if p.DeletionTimestamp != nil {
			continue
		}
		if err := s.cluster.Delete(ctx, podRef(p), p.UID); err != nil {
			return len(pods), err
		}
	}
	return len(pods), nil
}

// forget deletes the revisions of the fault, which `kubectl rollout undo` would otherwise go back to, and says how many there were.
func (s *session) forget(ctx context.Context, w unpulledWorkload, prefix string) (int, error) {
	k, ok := revisionsOf(w.Ref.Kind)
	if !ok {
		return 0, nil
	}
	all, err := s.cluster.List(ctx, k, w.Ref.Namespace, "")
	if err != nil {
		return 0, err
	}
	found := 0
	for _, o := range all {
		c := metav1.GetControllerOf(&o)
		if c == nil || string(c.UID) != w.Ref.UID || !templateHas(&o, prefix) {
			continue
		}
		found++
		if o.GetDeletionTimestamp() != nil {
			continue
		}
		if err := s.cluster.Delete(ctx, cluster.RefOf(k, &o), o.GetUID()); err != nil {
			return found, err
		}
	}
	return found, nil
}
