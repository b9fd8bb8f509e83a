package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/press"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const (
	// startWithin is how long a container may take to start, its image included.
	startWithin = time.Minute
	// pressPoll is how often it is looked how a container fares.
	pressPoll = 200 * time.Millisecond
	// askAgain is how often a container is told to end that another process may hold.
	askAgain = 3 * time.Second
)

func injectPressure(ctx context.Context, s *session, h sdk.Handle, u pressed) error {
	return each(ctx, u.Pods, func(pod cluster.Ref) error { return s.pressOn(ctx, h.Run, u, pod) })
}

// pressOn has a container press on a pod. Until it is told to, over the connection that holds it, it does nothing.
func (s *session) pressOn(ctx context.Context, run string, u pressed, pod cluster.Ref) error {
	p, err := s.pod(ctx, pod)
	if err != nil {
		return err
	}
	if p == nil || over(*p) {
		return fmt.Errorf("%s is gone", pod)
	}
	name, is := u.last(*p)
	if name == "" || is.Terminated != nil {
		name = u.next(*p)
		if err := s.add(ctx, pod, u.manifest(name, run)); err != nil {
			return err
		}
	}
	if err := s.awaitStart(ctx, u, pod); err != nil {
		return err
	}
	held, err := s.leashes.take(ctx, s.cluster, pod, name)
	if err != nil {
		return err
	}
	if err := held.await(ctx); err != nil {
		return fmt.Errorf("pressing on %s: %w", pod, err)
	}
	return nil
}

// awaitStart returns when the container runs, or says why it does not.
func (s *session) awaitStart(ctx context.Context, u pressed, pod cluster.Ref) error {
	for end := time.Now().Add(startWithin); ; {
		p, err := s.pod(ctx, pod)
		if err != nil {
			return err
		}
		if p == nil {
			return fmt.Errorf("%s went away", pod)
		}
		name, is := u.last(*p)
		why := stuck(is)
		switch {
		case is.Running != nil:
			return nil
		case is.Terminated != nil:
			return fmt.Errorf("the container %s of %s ended at once: %s", name, pod, ending(is.Terminated))
		case why != "" && is.Waiting.Reason != "ErrImagePull", time.Now().After(end): // that is tried again
			return fmt.Errorf("the container %s of %s does not start: %s", name, pod, why)
		}
		if err := pause(ctx, pressPoll); err != nil {
			return fmt.Errorf("waiting for the container %s of %s: %w (%s)", name, pod, err, why)
		}
	}
}

// stuck says why a container that waits will not start soon, or nothing.
func stuck(is corev1.ContainerState) string {
	w := is.Waiting
	if w == nil || w.Reason == "" || w.Reason == "ContainerCreating" || w.Reason == "PodInitializing" {
		return ""
	}
	return strings.TrimSuffix(w.Reason+": "+w.Message, ": ")
}

func ending(t *corev1.ContainerStateTerminated) string {
	return strings.TrimSpace(fmt.Sprintf("%s, exit code %d %s", t.Reason, t.ExitCode, t.Message))
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// inspectPressure says what the containers say last. Pods that are gone have none.
func inspectPressure(ctx context.Context, s *session, _ sdk.Handle, u pressed) (sdk.State, error) {
	found := make([]*sdk.State, len(u.Pods))
	err := each(ctx, indexes(u.Pods), func(i int) error {
		p, err := s.pod(ctx, u.Pods[i])
		if err != nil || p == nil {
			return err
		}
		is, err := s.pressure(ctx, u, *p)
		found[i] = &is
		return err
	})
	if err != nil {
		return sdk.State{}, err
	}
	var states []sdk.State
	for _, is := range found {
		if is != nil {
			states = append(states, *is)
		}
	}
	if len(states) == 0 {
		return inactive("all %d pods are gone", len(u.Pods)), nil
	}
	return combine(states), nil
}

// pressure is how one container fares.
func (s *session) pressure(ctx context.Context, u pressed, p corev1.Pod) (sdk.State, error) {
	name, is := u.last(p)
	where := fmt.Sprintf("the container %s of the pod %s/%s", name, p.Namespace, p.Name)
	switch {
	case name == "":
		return inactive("the pod %s/%s has no container of the fault", p.Namespace, p.Name), nil
	case u.Replace && !over(p):
		if is.Running == nil {
			return unknown("%s does not run, and its pod is not replaced yet", where), nil
		}
	case is.Terminated != nil:
		return inactive("%s has ended: %s", where, ending(is.Terminated)), nil
	case over(p):
		return unknown("%s is about to end with its pod", where), nil
	case stuck(is) != "":
		return inactive("%s has never started, and would do nothing without gameday: %s", where, stuck(is)), nil
	case is.Running == nil:
		return unknown("%s is about to start", where), nil
	}
	line, err := s.cluster.LastLine(ctx, podRef(p), name)
	if err != nil {
		return sdk.State{}, err
	}
	if line = strings.TrimSpace(line); strings.HasPrefix(line, press.Pressing) {
		return active("%s says: %s", where, line), nil
	}
	return unknown("%s says: %s", where, line), nil
}

// revertPressure lets go of the containers, and has the pods replaced if the block asks for that.
func revertPressure(ctx context.Context, s *session, h sdk.Handle, u pressed) error {
	err := each(ctx, u.Pods, func(pod cluster.Ref) error { return s.relax(ctx, u, pod) })
	if err != nil || !u.Replace {
		return err
	}
	var spent []cluster.Ref
	for _, pod := range u.Pods {
		p, err := s.pod(ctx, pod)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if name, _ := u.last(*p); name != "" {
			spent = append(spent, pod)
		}
	}
	if err := u.How.take(ctx, s, spent); err != nil {
		return err
	}
	recorded, err := s.records.Has(ctx, mark.Of(h.Run, h.ID))
	if err != nil || !recorded {
		return err
	}
	return u.Respawn.wait(ctx, s)
}

// relax returns when the container of a pod has ended, or cannot begin.
func (s *session) relax(ctx context.Context, u pressed, pod cluster.Ref) error {
	var last error
	for asked := (time.Time{}); ; {
		p, err := s.pod(ctx, pod)
		if err != nil {
			return err
		}
		if p == nil || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			return nil
		}
		name, is := u.last(*p)
		if name == "" || is.Terminated != nil || stuck(is) != "" {
			return nil
		}
		if is.Running != nil && time.Since(asked) > askAgain {
			asked, last = time.Now(), s.letGo(ctx, pod, name)
		}
		if err := pause(ctx, pressPoll); err != nil {
			return errors.Join(fmt.Errorf("waiting for the end of the container %s of %s: %w", name, pod, err), last)
		}
	}
}
