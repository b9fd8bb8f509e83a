package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// emptied are nodes that take no new pods, and from which those that are there are taken away. Pods that belong to their node stay.
type emptied struct {
	Nodes   []string `json:"nodes"`
	How     removal  `json:"how"`
	Respawn respawn  `json:"respawn"`
}

func (e emptied) follows() []cluster.Ref { return e.Respawn.follows() }

func emptyNeeds([]sdk.Target) []access.Need {
	out := append(respawnNeeds(""), budgetNeeds("")...)
	return append(out, access.On(cluster.Pods, "", "", "delete")...)
}

// leaving are the pods on a node that have to go: those that have not ended and do not belong to it.
func (s *session) leaving(ctx context.Context, node string) ([]corev1.Pod, error) {
	all, err := s.podsOn(ctx, node)
	return slices.DeleteFunc(all, func(p corev1.Pod) bool {
		return bound(p) || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	}), err
}

// leavingAll are those on several nodes, by node, namespace and name.
func (s *session) leavingAll(ctx context.Context, nodes []string) ([]corev1.Pod, error) {
	found := make([][]corev1.Pod, len(nodes))
	err := each(ctx, indexes(nodes), func(i int) (err error) {
		found[i], err = s.leaving(ctx, nodes[i])
		return err
	})
	for _, pods := range found {
		slices.SortFunc(pods, func(a, b corev1.Pod) int {
			return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
		})
	}
	return slices.Concat(found...), err
}

// planEmpty plans to take the pods off nodes for which the changes are planned already.
func (p *plan[U]) planEmpty(ctx context.Context, s *session, u *emptied, c respawnConfig, ignore bool) (problems []sdk.Problem, err error) {
	pods, err := s.leavingAll(ctx, u.Nodes)
	if err != nil {
		return nil, err
	}
	pods = slices.DeleteFunc(pods, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	if u.Respawn, problems, err = c.plan(ctx, s, pods); err != nil || sdk.HasErrors(problems) {
		return problems, err
	}
	for _, x := range pods {
		p.effects = append(p.effects, u.How.effect(x))
		if slices.ContainsFunc(x.Spec.Volumes, func(v corev1.Volume) bool { return v.EmptyDir != nil }) {
			problems = append(problems, warning("targets", fmt.Sprintf("The pod %s/%s has a volume of type emptyDir", x.Namespace, x.Name), "What is in it is lost with the pod."))
		}
	}
	breaches, err := s.breaches(ctx, pods)
	if err != nil {
		return nil, err
	}
	if u.How.Evict {
		problems = append(problems, slow(breaches)...)
	} else {
		found, effects := budgetProblems(breaches, ignore)
		problems, p.effects = append(problems, found...), append(p.effects, effects...)
	}
	p.steps = append(p.steps, u.Respawn.steps(s)...)
	return problems, nil
}

// injectEmpty takes away what is on the nodes by now. New pods may have come until they were cordoned, so it looks again until
// there is none.
func injectEmpty(ctx context.Context, s *session, h sdk.Handle, u emptied) error {
	tick := time.NewTicker(gonePoll)
	defer tick.Stop()
	for {
		pods, err := s.leavingAll(ctx, u.Nodes)
		if err != nil {
			return err
		}
		since, err := s.records.Since(ctx, mark.Of(h.Run, h.ID))
		if err != nil {
			return err
		}
		var away []cluster.Ref
		for _, p := range pods {
			if !returned(p, since) {
				away = append(away, podRef(p))
			}
		}
		if len(away) == 0 {
			return nil
		}
		if err := u.How.take(ctx, s, away); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("taking away the pods that are left on %s: %w", strings.Join(u.Nodes, ", "), context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// returned says that a pod was made after the fault began. Only pods that tolerate everything are placed on such a node, and
// what controls them may do so at any time: taking them away again would never end.
func returned(p corev1.Pod, since time.Time) bool {
	return !since.IsZero() && p.CreationTimestamp.After(since) && toleratesCordon(p)
}

// toleratesCordon says whether the scheduler may place the pod on a cordoned node, or it is placed without it.
func toleratesCordon(p corev1.Pod) bool {
	cordon := &corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	return slices.ContainsFunc(p.Spec.Tolerations, func(t corev1.Toleration) bool { return tolerates(t, cordon) })
}

func tolerates(t corev1.Toleration, taint *corev1.Taint) bool {
	return (t.Effect == "" || t.Effect == taint.Effect) && (t.Key == "" && t.Operator == corev1.TolerationOpExists || t.Key == taint.Key)
}

// inspectEmpty says whether the pods of before are gone from the nodes.
func inspectEmpty(ctx context.Context, s *session, h sdk.Handle, u emptied) (sdk.State, error) {
	since, err := s.records.Since(ctx, mark.Of(h.Run, h.ID))
	if err != nil {
		return sdk.State{}, err
	}
	pods, err := s.leavingAll(ctx, u.Nodes)
	if err != nil {
		return sdk.State{}, err
	}
	var left, back []string
	for _, p := range pods {
		name := fmt.Sprintf("%s/%s on %s", p.Namespace, p.Name, p.Spec.NodeName)
		if returned(p, since) {
			back = append(back, name)
		} else {
			left = append(left, name)
		}
	}
	switch {
	case len(left) > 0:
		return unknown("%d pods are still there: %s", len(left), some(left)), nil
	case len(back) > 0:
		return active("no pod of before is left; %d pods that tolerate everything have been placed there since: %s", len(back), some(back)), nil
	}
	return active("no pod is left but those that belong to their node"), nil
}

// some is the beginning of a list.
func some(items []string) string {
	const most = 5
	if len(items) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(items[:most], ", "), len(items)-most)
	}
	return strings.Join(items, ", ")
}

// revertEmpty waits until what was taken away is replaced, if the fault was injected at all.
func revertEmpty(ctx context.Context, s *session, h sdk.Handle, u emptied) error {
	since, err := s.records.Since(ctx, mark.Of(h.Run, h.ID))
	if err != nil || since.IsZero() {
		return err
	}
	return u.Respawn.wait(ctx, s)
}
