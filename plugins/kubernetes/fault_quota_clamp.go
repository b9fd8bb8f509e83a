package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type clampConfig struct {
	Resources []string          `json:"resources"`
	Headroom  map[string]string `json:"headroom"`
	Hard      map[string]string `json:"hard"`
}

func clampAttributes() []sdk.Attribute {
	return []sdk.Attribute{
		{Name: "resources", Type: sdk.StringList, Default: []any{"pods"}, Doc: "For clamp: what is limited, in the words of a ResourceQuota: pods, requests.cpu, limits.memory, count/deployments.apps, ..."},
		{Name: "headroom", Type: sdk.StringMap, Doc: "For clamp: what may still be used beyond what is used already, for each resource. By default nothing."},
		{Name: "hard", Type: sdk.StringMap, Doc: "For clamp: limits that do not depend on what is used, for each resource. Below that, what ends is not replaced."},
	}
}

// clamp is a ResourceQuota of ours.
type clamp struct {
	Quota cluster.Ref `json:"quota"`
	// Headroom is what is to be left, of the resources that are limited by what is used.
	Headroom map[string]resource.Quantity `json:"headroom"`
	Hard     map[string]resource.Quantity `json:"hard"`
}

func clampNeeds(c clampConfig, ns string) []access.Need {
	out := access.On(cluster.ResourceQuotas, ns, "", "create", "get", "list", "patch", "delete")
	out = append(out, access.On(cluster.Pods, ns, "", "list")...)
	for _, name := range append(slices.Clone(c.Resources), slices.Sorted(maps.Keys(c.Hard))...) {
		if k, ok := countable()[name]; ok {
			out = append(out, access.On(k, ns, "", "list")...)
		}
	}
	return out
}

// countable are the objects whose number a quota can limit, as far as they are known here.
func countable() map[string]cluster.Kind {
	claims := cluster.Kind{Version: "v1", Resource: "persistentvolumeclaims", Kind: "PersistentVolumeClaim"}
	return map[string]cluster.Kind{
		"services": cluster.Services, "count/services": cluster.Services, "configmaps": cluster.ConfigMaps, "count/configmaps": cluster.ConfigMaps,
		"persistentvolumeclaims": claims, "count/persistentvolumeclaims": claims, "count/pods": cluster.Pods,
		"count/deployments.apps": cluster.Deployments, "count/statefulsets.apps": cluster.StatefulSets, "count/replicasets.apps": cluster.ReplicaSets,
		"count/jobs.batch": cluster.Jobs,
	}
}

func planClamp(ctx context.Context, s *session, c clampConfig, ns string, m mark.Mark) (p plan[exhausted], problems []sdk.Problem, err error) {
	out := &clamp{
		Quota:    cluster.Ref{Kind: cluster.ResourceQuotas, Namespace: ns, Name: m.Name("quota")},
		Headroom: map[string]resource.Quantity{}, Hard: map[string]resource.Quantity{},
	}
	if problems = c.check(s, ns); len(problems) > 0 {
		return p, problems, nil
	}
	used, podsWithout, err := s.usage(ctx, ns, c.names())
	if err != nil {
		return p, nil, err
	}
	for _, name := range c.names() {
		if text, ok := c.Hard[name]; ok {
			out.Hard[name] = resource.MustParse(text) // it was checked
			continue
		}
		left := resource.MustParse(text(c.Headroom[name]))
		hard := used[name].DeepCopy()
		hard.Add(left)
		out.Headroom[name], out.Hard[name] = left, hard
	}
	creation := change.NewCreation(cluster.ResourceQuotas, ns, out.Quota.Name, map[string]any{"spec": map[string]any{"hard": out.Hard}})
	p.own, p.items = exhausted{Clamp: out}, []change.Item{{Creation: &creation}}
	if p.effects, err = s.clampEffects(ctx, ns, used, out.Hard); err != nil {
		return p, nil, err
	}
	if podsWithout != "" {
		problems = append(problems, warning("resources", podsWithout, "Another pod like it is refused for that, and not for want of room."))
	}
	return p, problems, nil
}

// text is the amount that stands for no amount.
func text(amount string) string {
	if amount == "" {
		return "0"
	}
	return amount
}

// names are the resources that are limited.
func (c clampConfig) names() []string {
	out := slices.Clone(c.Resources)
	for name := range c.Hard {
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c clampConfig) check(s *session, ns string) (out []sdk.Problem) {
	if len(c.names()) == 0 {
		out = append(out, problem("resources", "Nothing is limited", "Name resources, such as pods."))
	}
	for i, name := range c.Resources {
		if _, ok := countable()[name]; !ok && name != "pods" && computeOf(name) == nil {
			out = append(out, problem(fmt.Sprintf("resources.%d", i), "It is not known how much is used of "+name, "Give its limit in hard instead."))
		}
	}
	for _, attribute := range []string{"headroom", "hard"} {
		amounts := map[string]map[string]string{"headroom": c.Headroom, "hard": c.Hard}[attribute]
		for _, name := range slices.Sorted(maps.Keys(amounts)) {
			if q, err := resource.ParseQuantity(amounts[name]); err != nil || q.Sign() < 0 {
				out = append(out, problem(attribute+"."+name, fmt.Sprintf("%q is no amount", amounts[name]), "Such as 2, 500m or 1Gi."))
			}
			if attribute == "headroom" && (!slices.Contains(c.Resources, name) || c.Hard[name] != "") {
				out = append(out, problem(attribute+"."+name, name+" is not limited by what is used of it", "Name it in resources, and not in hard."))
			}
		}
	}
	if ns == s.records.Namespace && slices.ContainsFunc(c.names(), func(n string) bool { return strings.HasSuffix(n, "configmaps") }) {
		out = append(out, problem("resources", "gameday itself makes ConfigMaps in "+ns+", to record its faults", "Choose another resource, or another namespace for the records in the plugin's block."))
	}
	return out
}

// compute is a resource of a pod, by its requests or its limits.
type compute struct {
	name corev1.ResourceName
	of   func(corev1.ResourceRequirements) corev1.ResourceList
}

func computeOf(name string) *compute {
	bare, limits := strings.CutPrefix(name, "limits.")
	bare = strings.TrimPrefix(bare, "requests.")
	if !slices.Contains([]string{"cpu", "memory", "ephemeral-storage"}, bare) {
		return nil
	}
	if limits {
		return &compute{corev1.ResourceName(bare), limitsOf}
	}
	return &compute{corev1.ResourceName(bare), requestsOf}
}

// usage counts as the quota controller does. The second result names a pod that says nothing of a resource that is limited.
func (s *session) usage(ctx context.Context, ns string, names []string) (map[string]resource.Quantity, string, error) {
	pods, err := s.listPods(ctx, ns, "")
	if err != nil {
		return nil, "", err
	}
	pods = slices.DeleteFunc(pods, func(p corev1.Pod) bool {
		return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	})
	out, without := map[string]resource.Quantity{}, ""
	for _, name := range names {
		if k, ok := countable()[name]; ok {
			all, err := s.cluster.List(ctx, k, ns, "")
			if err != nil {
				return nil, "", err
			}
			out[name] = *resource.NewQuantity(int64(len(all)), resource.DecimalSI)
			continue
		}
		sum := *resource.NewQuantity(int64(len(pods)), resource.DecimalSI)
		if c := computeOf(name); c != nil {
			sum = resource.Quantity{}
			for _, p := range pods {
				q, ok := requested(p.Spec, c.of)[c.name]
				if !ok {
					without = fmt.Sprintf("The pod %s says nothing of %s", p.Name, name)
				}
				sum.Add(q)
			}
		}
		out[name] = sum
	}
	return out, without, nil
}

// clampEffects say how much room there is before, by the quotas that there are, and after.
func (s *session) clampEffects(ctx context.Context, ns string, used, hard map[string]resource.Quantity) (out []string, err error) {
	one, cancel := cluster.Reading(ctx)
	defer cancel()
	quotas, err := s.cluster.Typed.CoreV1().ResourceQuotas(ns).List(one, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing the quotas of %s: %w", ns, s.cluster.Explain(err))
	}
	for _, name := range slices.Sorted(maps.Keys(hard)) {
		before := "no quota limits it"
		for _, q := range quotas.Items {
			if limit, ok := q.Status.Hard[corev1.ResourceName(name)]; ok {
				left := limit.DeepCopy()
				left.Sub(q.Status.Used[corev1.ResourceName(name)])
				before = fmt.Sprintf("the quota %s leaves %s of %s", q.Name, left.String(), limit.String())
			}
		}
		now, limit := used[name], hard[name]
		left := limit.DeepCopy()
		left.Sub(now)
		out = append(out, fmt.Sprintf("%s in %s: %s used; before, %s; then %s are left", name, ns, now.String(), before, left.String()))
	}
	return out, nil
}

// read gives the quota, and whether the quota controller has counted for it.
func (c *clamp) read(ctx context.Context, s *session) (*corev1.ResourceQuota, bool, error) {
	ctx, cancel := cluster.Reading(ctx)
	defer cancel()
	q, err := s.cluster.Typed.CoreV1().ResourceQuotas(c.Quota.Namespace).Get(ctx, c.Quota.Name, metav1.GetOptions{})
	if err != nil {
		return nil, false, fmt.Errorf("reading %s: %w", c.Quota, s.cluster.Explain(err))
	}
	counted := len(q.Status.Hard) > 0
	for name, hard := range q.Spec.Hard {
		is, ok := q.Status.Hard[name]
		_, used := q.Status.Used[name]
		counted = counted && ok && used && is.Cmp(hard) == 0
	}
	return q, counted, nil
}

// quotaPoll is how often it is looked whether the quota controller has counted.
const quotaPoll = 100 * time.Millisecond

// tighten waits until the quota controller has counted, and takes away what was freed since the plan was made.
func (c *clamp) tighten(ctx context.Context, s *session) error {
	tick := time.NewTicker(quotaPoll)
	defer tick.Stop()
	for {
		q, counted, err := c.read(ctx, s)
		if err != nil {
			return err
		}
		if counted {
			lower := c.loose(q)
			if len(lower) == 0 {
				return nil
			}
			if err := c.lower(ctx, s, q, lower); err != nil && !apierrors.IsConflict(err) {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the quota controller to count for %s: %w", c.Quota, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// loose are the limits that leave more than was asked for, with what they should be.
func (c *clamp) loose(q *corev1.ResourceQuota) map[string]resource.Quantity {
	out := map[string]resource.Quantity{}
	for name, left := range c.Headroom {
		want := q.Status.Used[corev1.ResourceName(name)].DeepCopy()
		want.Add(left)
		if is := q.Spec.Hard[corev1.ResourceName(name)]; is.Cmp(want) > 0 {
			out[name] = want
		}
	}
	return out
}

func (c *clamp) lower(ctx context.Context, s *session, q *corev1.ResourceQuota, hard map[string]resource.Quantity) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": q.UID, "resourceVersion": q.ResourceVersion}, "spec": map[string]any{"hard": hard},
	})
	if err != nil {
		return err
	}
	return s.cluster.Patch(ctx, c.Quota, b)
}

// inspect reads what the quota controller has counted, and tries to make a pod.
func (c *clamp) inspect(ctx context.Context, s *session) (sdk.State, error) {
	q, counted, err := c.read(ctx, s)
	switch {
	case err != nil:
		return sdk.State{}, err
	case !counted:
		return unknown("the quota controller has not counted yet"), nil
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.Hard)) {
		used, hard := q.Status.Used[corev1.ResourceName(name)], q.Spec.Hard[corev1.ResourceName(name)]
		parts = append(parts, fmt.Sprintf("%s: %s of %s used", name, used.String(), hard.String()))
	}
	evidence := strings.Join(parts, ", ")
	for name, want := range c.loose(q) {
		return unknown("%s, so more of %s is left than was asked for: %s should be the limit", evidence, name, want.String()), nil
	}
	denied, how, err := c.try(ctx, s, q)
	if err != nil {
		return sdk.State{}, err
	}
	if !denied {
		return unknown("%s, but %s", evidence, how), nil
	}
	return active("%s; %s", evidence, how), nil
}

// try asks the API server to make a pod that should not fit, without making it.
func (c *clamp) try(ctx context.Context, s *session, q *corev1.ResourceQuota) (denied bool, how string, err error) {
	pod, ok := trialPod(q)
	if !ok {
		return true, "no single pod would go beyond it, so none is tried", nil
	}
	lacking, err := s.access.Missing(ctx, access.On(cluster.Pods, c.Quota.Namespace, "", "create"))
	if err != nil {
		return false, "", err
	}
	if len(lacking) > 0 {
		return true, "whether a pod is denied is not tried, for want of the permission to create pods", nil
	}
	ctx, cancel := cluster.Reading(ctx)
	defer cancel()
	_, err = s.cluster.Typed.CoreV1().Pods(c.Quota.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: cluster.Manager})
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return false, "a pod for trial would still be made", nil
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota: "+c.Quota.Name):
		return true, "a pod for trial (dry run) is denied: exceeded quota: " + c.Quota.Name, nil
	case apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || errors.As(err, &status) && status.Status().Code < 500:
		return true, "a pod for trial is denied for something else: " + err.Error(), nil
	}
	return false, "", fmt.Errorf("trying to make a pod in %s: %w", c.Quota.Namespace, s.cluster.Explain(err))
}

// trialPod is a pod that goes beyond the quota, and otherwise asks for little and may be made anywhere.
func trialPod(q *corev1.ResourceQuota) (*corev1.Pod, bool) {
	beyond := false
	res := corev1.ResourceRequirements{Requests: corev1.ResourceList{}, Limits: corev1.ResourceList{}}
	for name, hard := range q.Spec.Hard {
		left := hard.DeepCopy()
		left.Sub(q.Status.Used[name])
		c := computeOf(string(name))
		switch {
		case c != nil:
			ask := resource.MustParse("1Mi")
			if c.name == corev1.ResourceCPU {
				ask = resource.MustParse("1m")
			}
			if left.Sign() > 0 {
				ask.Add(left)
			}
			raise(res.Requests, corev1.ResourceList{c.name: ask})
			raise(res.Limits, corev1.ResourceList{c.name: ask})
			beyond = true
		case name == corev1.ResourcePods || name == "count/pods":
			beyond = beyond || left.Sign() <= 0
		}
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "gameday-trial-"},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(bool), SecurityContext: harmlessPod(),
			Containers: []corev1.Container{{Name: "trial", Image: nowhere + "/trial", Resources: res, SecurityContext: harmless()}},
		},
	}, beyond
}
