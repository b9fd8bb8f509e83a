package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// removal is how pods are taken away.
type removal struct {
	// Grace is how long a pod may take to end; nil leaves it to the pod.
	Grace *int64 `json:"grace,omitempty"`
	// Evict asks the eviction API, which keeps to the PodDisruptionBudgets, and is asked again for so long.
	Evict   bool     `json:"evict,omitempty"`
	Timeout sdk.Span `json:"timeout,omitempty"`
}

func graceAttribute() sdk.Attribute {
	return sdk.Attribute{Name: "grace_period", Type: sdk.Duration, Doc: "How long a pod may take to end, in whole seconds. By default as long as the pod itself says. 0s takes it out of the API at once, whether or not it has ended."}
}

// graceSeconds is the attribute grace_period; it is a string so that 0s and nothing differ.
func graceSeconds(text string) (*int64, []sdk.Problem) {
	if text == "" {
		return nil, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d%time.Second != 0 {
		return nil, []sdk.Problem{problem("grace_period", text+" is not a number of whole seconds", "Such as 0s or 30s.")}
	}
	seconds := int64(d / time.Second)
	return &seconds, nil
}

// take takes pods away, and returns when they are gone. All are asked before any is waited for.
func (r removal) take(ctx context.Context, s *session, pods []cluster.Ref) error {
	if err := each(ctx, pods, func(p cluster.Ref) error { return r.ask(ctx, s, p) }); err != nil {
		return err
	}
	return each(ctx, pods, func(p cluster.Ref) error { return s.awaitGone(ctx, p) })
}

// evictPoll is how often an eviction is tried that a budget is in the way of.
const evictPoll = 500 * time.Millisecond

// ask deletes the pod, or has it evicted as soon as the budgets let it.
func (r removal) ask(ctx context.Context, s *session, p cluster.Ref) error {
	for end := time.Now().Add(time.Duration(r.Timeout)); ; {
		err := r.once(ctx, s, p)
		switch {
		case err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err): // gone, or another pod by that name
			return nil
		case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause): // it goes with its namespace, in which nothing can be evicted any more
			return nil
		case !r.Evict || !apierrors.IsTooManyRequests(err):
			return fmt.Errorf("taking %s away: %w", p, s.cluster.Explain(err))
		case time.Now().After(end):
			return fmt.Errorf("evicting %s: not allowed within %v: %w%s", p, time.Duration(r.Timeout), err, causes(err))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("evicting %s: %w (%w%s)", p, context.Cause(ctx), err, causes(err))
		case <-time.After(evictPoll):
		}
	}
}

func (r removal) once(ctx context.Context, s *session, p cluster.Ref) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := cluster.Writing(ctx)
	defer cancel()
	uid := podUID(p)
	how := metav1.DeleteOptions{GracePeriodSeconds: r.Grace, Preconditions: &metav1.Preconditions{UID: &uid}}
	pods := s.cluster.Typed.CoreV1().Pods(p.Namespace)
	if r.Evict {
		return pods.EvictV1(ctx, &policy.Eviction{ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace}, DeleteOptions: &how})
	}
	return pods.Delete(ctx, p.Name, how)
}

// causes are the reasons that the API server gives beside its message: it names the budget there.
func causes(err error) (out string) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return ""
	}
	for _, c := range status.Status().Details.Causes {
		out += ": " + c.Message
	}
	return out
}

// gonePoll is how often it is looked whether a pod is gone.
const gonePoll = 100 * time.Millisecond

func (s *session) awaitGone(ctx context.Context, p cluster.Ref) error {
	tick := time.NewTicker(gonePoll)
	defer tick.Stop()
	for {
		is, err := s.pod(ctx, p)
		if err != nil || is == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the end of %s: %w", p, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// pod reads a pod, and gives nil if it is gone.
func (s *session) pod(ctx context.Context, p cluster.Ref) (*corev1.Pod, error) {
	ctx, cancel := cluster.Reading(ctx)
	defer cancel()
	is, err := s.cluster.Typed.CoreV1().Pods(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", p, s.cluster.Explain(err))
	case is.UID != podUID(p):
		return nil, nil
	}
	return is, nil
}
