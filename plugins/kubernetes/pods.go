package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
)

// listPods gives the pods of a namespace, or of all of them if it is empty.
func (s *session) listPods(ctx context.Context, namespace, selector string) (out []corev1.Pod, err error) {
	return s.pagesOfPods(ctx, namespace, selector, "")
}

// podsOn gives the pods of a node.
func (s *session) podsOn(ctx context.Context, node string) ([]corev1.Pod, error) {
	return s.pagesOfPods(ctx, "", "", "spec.nodeName="+node)
}

func (s *session) pagesOfPods(ctx context.Context, namespace, selector, fields string) (out []corev1.Pod, err error) {
	err = cluster.Pages(ctx, selector, func(ctx context.Context, o metav1.ListOptions) (string, error) {
		o.FieldSelector = fields
		page, err := s.cluster.Typed.CoreV1().Pods(namespace).List(ctx, o)
		if err != nil {
			return "", fmt.Errorf("listing the pods: %w", s.cluster.Explain(err))
		}
		out = append(out, page.Items...)
		return page.Continue, nil
	})
	return out, err
}

func podRef(p corev1.Pod) cluster.Ref {
	return cluster.Ref{Kind: cluster.Pods, Namespace: p.Namespace, Name: p.Name, UID: string(p.UID)}
}

func podUID(r cluster.Ref) types.UID { return types.UID(r.UID) }

// over says that a pod has ended or is about to.
func over(p corev1.Pod) bool {
	return p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// bound says that a pod belongs to its node: one of a DaemonSet, which would be made there again, or one that the kubelet runs
// by itself. Neither goes elsewhere.
func bound(p corev1.Pod) bool {
	c := metav1.GetControllerOf(&p)
	return mirror(p) || c != nil && c.Kind == cluster.DaemonSets.Kind
}

// mirror says that the kubelet runs the pod by itself, and the API server only shows it.
func mirror(p corev1.Pod) bool { return p.Annotations[corev1.MirrorPodAnnotationKey] != "" }

func podReady(p corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// deploymentsOf gives the Deployments of the ReplicaSets of a namespace, by the ReplicaSet's name.
func (s *session) deploymentsOf(ctx context.Context, namespace string) (map[string]string, error) {
	out := map[string]string{}
	err := cluster.Pages(ctx, "", func(ctx context.Context, o metav1.ListOptions) (string, error) {
		page, err := s.cluster.Typed.AppsV1().ReplicaSets(namespace).List(ctx, o)
		if err != nil {
			return "", fmt.Errorf("listing the ReplicaSets of %s: %w", namespace, s.cluster.Explain(err))
		}
		for _, rs := range page.Items {
			if c := metav1.GetControllerOf(&rs); c != nil && c.Kind == cluster.Deployments.Kind {
				out[rs.Name] = c.Name
			}
		}
		return page.Continue, nil
	})
	return out, err
}

// ownerOf is the workload of a pod, such as deployment/web; empty if it has none.
func ownerOf(p corev1.Pod, deployments map[string]string) string {
	c := metav1.GetControllerOf(&p)
	switch {
	case c == nil:
		return ""
	case c.Kind == cluster.ReplicaSets.Kind && strings.HasPrefix(c.APIVersion, appsv1.GroupName) && deployments[c.Name] != "":
		return "deployment/" + deployments[c.Name]
	}
	return strings.ToLower(c.Kind) + "/" + c.Name
}

// concurrently is how many requests of one act are on their way at a time.
const concurrently = 10

// each calls fn for every item, some at a time, and returns when all calls have. No call is begun once ctx has ended.
func each[T any](ctx context.Context, items []T, fn func(T) error) error {
	errs := make([]error, len(items))
	slots := make(chan struct{}, concurrently)
	var all sync.WaitGroup
	for i, item := range items {
		slots <- struct{}{}
		if ctx.Err() != nil {
			errs[i] = context.Cause(ctx)
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			errs[i] = fn(item)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
