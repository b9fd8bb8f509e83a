package kubernetes

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// taken are pods that are taken away. What controls them replaces them, so the fault is that they are gone, for as long as its
// record says so, and undoing it is to see that each workload has its pods again. When every process of ours dies at once nothing changes: the
// pods are gone, and their controllers are nobody of ours.
type taken struct {
	Pods    []cluster.Ref `json:"pods"`
	How     removal       `json:"how"`
	Respawn respawn       `json:"respawn"`
}

func (t taken) follows() []cluster.Ref { return t.Respawn.follows() }

type takenConfig struct {
	respawnConfig
	GracePeriod string   `json:"grace_period"`
	Ignore      bool     `json:"ignore_disruption_budgets"`
	Timeout     sdk.Span `json:"eviction_timeout"`
}

func podKill() kind[taken] {
	return kind[taken]{
		name: "kubernetes_pod_kill", targets: []string{"kubernetes_pod"},
		schema: sdk.Schema{
			Doc: "The pods are deleted, whatever they are doing. What controls them makes others: the revert waits for that, and fails by name if " +
				"it does not happen. If every process of gameday dies at once, nothing is different.",
			Attributes: append(respawnAttributes(), graceAttribute(),
				ignoreAttribute("Delete the pods even if that breaks a PodDisruptionBudget. Otherwise that is a mistake when the plan is made.")),
		},
		needs: killNeeds,
		plan: func(ctx context.Context, s *session, req sdk.Request, _ mark.Mark) (plan[taken], []sdk.Problem, error) {
			return planTaken(ctx, s, req, false)
		},
		inject: injectTaken, inspect: inspectTaken, revert: revertTaken,
	}
}

func killNeeds(targets []sdk.Target) (out []access.Need) {
	for _, ns := range namespacesOf(targets) {
		out = append(out, respawnNeeds(ns)...)
		out = append(out, budgetNeeds(ns)...)
		out = append(out, access.On(cluster.Pods, ns, "", "delete")...)
	}
	return out
}

// planTaken reads the pods. Evicting keeps to the budgets by itself, so that they are no mistake then.
func planTaken(ctx context.Context, s *session, req sdk.Request, evict bool) (p plan[taken], problems []sdk.Problem, err error) {
	c := takenConfig{respawnConfig: respawnDefaults(), Timeout: sdk.Span(evictDefault)}
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	how := removal{Evict: evict && !c.Ignore, Timeout: c.Timeout}
	if how.Grace, problems = graceSeconds(c.GracePeriod); len(problems) > 0 {
		return p, problems, nil
	}
	pods, problems, err := s.takePods(ctx, req.Targets)
	if err != nil || len(problems) > 0 {
		return p, problems, err
	}
	p.own = taken{How: how}
	for _, x := range pods {
		p.own.Pods = append(p.own.Pods, podRef(x))
		p.effects = append(p.effects, how.effect(x))
	}
	if p.own.Respawn, problems, err = c.plan(ctx, s, pods); err != nil || len(problems) > 0 {
		return p, problems, err
	}
	breaches, err := s.breaches(ctx, pods)
	if err != nil {
		return p, nil, err
	}
	if how.Evict {
		problems = slow(breaches)
	} else {
		found, effects := budgetProblems(breaches, c.Ignore)
		problems, p.effects = append(problems, found...), append(p.effects, effects...)
	}
	p.steps = p.own.Respawn.steps(s)
	return p, problems, nil
}

func (r removal) effect(p corev1.Pod) string {
	verb, grace := "delete", ""
	if r.Evict {
		verb = "evict"
	}
	if r.Grace != nil {
		grace = fmt.Sprintf(" (grace period %ds)", *r.Grace)
	}
	return fmt.Sprintf("%s pod %s/%s on %s%s", verb, p.Namespace, p.Name, p.Spec.NodeName, grace)
}

// steps tell people how to see that pods were replaced.
func (r respawn) steps(s *session) (out []string) {
	for _, o := range r.Owners {
		out = append(out, s.cluster.Kubectl("%s", o.Object.Args("get"))+fmt.Sprintf(" # replaces the pods by itself: %d should be ready", o.Ready))
	}
	if len(out) == 0 {
		out = append(out, "# the pods are replaced by what controls them; nobody checks that, as the block asks")
	}
	return out
}

// takePods reads the pods of targets, and refuses those that are no longer what was planned for.
func (s *session) takePods(ctx context.Context, targets []sdk.Target) (out []corev1.Pod, problems []sdk.Problem, err error) {
	pods := make([]*corev1.Pod, len(targets))
	err = each(ctx, indexes(targets), func(i int) error {
		r, err := refOf(targets[i])
		if err != nil || r.Kind != cluster.Pods {
			return err
		}
		pods[i], err = s.pod(ctx, r)
		return err
	})
	for i, p := range pods {
		switch {
		case p == nil || over(*p):
			problems = append(problems, goneProblem(targets[i]))
		case mirror(*p):
			problems = append(problems, problem("targets", fmt.Sprintf("The kubelet of %s runs %s by itself", p.Spec.NodeName, targets[i].Name), "Deleting it in the API does nothing. Choose another pod."))
		default:
			out = append(out, *p)
		}
	}
	return out, problems, err
}

func injectTaken(ctx context.Context, s *session, _ sdk.Handle, u taken) error {
	return u.How.take(ctx, s, u.Pods)
}

// inspectTaken says whether the pods are gone by this fault. Gone they stay, so once the fault is reverted its record, which the frame
// takes away, is what tells the one from the other.
func inspectTaken(ctx context.Context, s *session, h sdk.Handle, u taken) (sdk.State, error) {
	there, ending, err := s.alive(ctx, u.Pods)
	if err != nil {
		return sdk.State{}, err
	}
	recorded, err := s.records.Has(ctx, mark.Of(h.Run, h.ID))
	switch {
	case err != nil:
		return sdk.State{}, err
	case !recorded:
		return inactive("%d of %d pods are gone; the fault is not there, or over", len(u.Pods)-there, len(u.Pods)), nil
	case there == 0 && ending == 0:
		return active("all %d pods are gone", len(u.Pods)), nil
	case there == len(u.Pods):
		return inactive("all %d pods are there", there), nil
	}
	return unknown("of %d pods, %d are there and %d are about to end", len(u.Pods), there, ending), nil
}

// alive counts the pods that are there, and those of which the end has been asked for.
func (s *session) alive(ctx context.Context, pods []cluster.Ref) (there, ending int, err error) {
	found := make([]*corev1.Pod, len(pods))
	err = each(ctx, indexes(pods), func(i int) (err error) {
		found[i], err = s.pod(ctx, pods[i])
		return err
	})
	for _, p := range found {
		switch {
		case p == nil:
		case over(*p):
			ending++
		default:
			there++
		}
	}
	return there, ending, err
}

// revertTaken waits for successors, if the fault was injected at all.
func revertTaken(ctx context.Context, s *session, h sdk.Handle, u taken) error {
	recorded, err := s.records.Has(ctx, mark.Of(h.Run, h.ID))
	if err != nil || !recorded {
		return err
	}
	return u.Respawn.wait(ctx, s)
}

// evictDefault is shorter than what an injection may take.
const evictDefault = time.Minute

// slow says which budgets an eviction has to wait for.
func slow(breaches []breach) (out []sdk.Problem) {
	for _, b := range breaches {
		out = append(out, warning("targets", sentence(fmt.Errorf("%s", b)), "Evictions wait until it allows more, for eviction_timeout."))
	}
	return out
}
