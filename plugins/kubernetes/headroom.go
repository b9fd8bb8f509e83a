package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// requested is what a pod reserves, by its requests or its limits: as the scheduler and the quotas count it.
func requested(p corev1.PodSpec, of func(corev1.ResourceRequirements) corev1.ResourceList) corev1.ResourceList {
	total, sidecars, peak := corev1.ResourceList{}, corev1.ResourceList{}, corev1.ResourceList{}
	for _, c := range p.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			add(sidecars, of(c.Resources))
			raise(peak, sidecars)
			continue
		}
		starting := sidecars.DeepCopy()
		add(starting, of(c.Resources))
		raise(peak, starting)
	}
	add(total, sidecars)
	for _, c := range p.Containers {
		add(total, of(c.Resources))
	}
	raise(total, peak)
	if p.Resources != nil { // what is said of the whole pod counts in place of its containers
		for name, q := range of(*p.Resources) {
			total[name] = q.DeepCopy()
		}
	}
	add(total, p.Overhead)
	return total
}

func requestsOf(r corev1.ResourceRequirements) corev1.ResourceList { return r.Requests }

func limitsOf(r corev1.ResourceRequirements) corev1.ResourceList { return r.Limits }

func add(to, what corev1.ResourceList) {
	for name, q := range what {
		sum := to[name].DeepCopy()
		sum.Add(q)
		to[name] = sum
	}
}

func raise(to, least corev1.ResourceList) {
	for name, q := range least {
		if is := to[name]; is.Cmp(q) < 0 {
			to[name] = q.DeepCopy()
		}
	}
}

// room is what a node, or several, can give to pods, and what pods have reserved of it.
type room struct{ allocatable, requested corev1.ResourceList }

// roomOf is the room of a node with these pods on it.
func roomOf(n corev1.Node, pods []corev1.Pod) room {
	out := room{allocatable: n.Status.Allocatable.DeepCopy(), requested: corev1.ResourceList{}}
	for _, p := range pods {
		if p.Spec.NodeName != n.Name || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		add(out.requested, requested(p.Spec, requestsOf))
		add(out.requested, corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(1, resource.DecimalSI)})
	}
	return out
}

func (r room) free(name corev1.ResourceName) resource.Quantity {
	out := r.allocatable[name].DeepCopy()
	out.Sub(r.requested[name])
	return out
}

// fits is how many pods with these requests there is room for.
func (r room) fits(requests corev1.ResourceList) int64 {
	free := r.free(corev1.ResourcePods)
	most := free.Value()
	for name, q := range requests {
		free := r.free(name)
		if q.IsZero() {
			continue
		}
		most = min(most, int64(free.AsApproximateFloat64()/q.AsApproximateFloat64()+1e-9))
	}
	return max(most, 0)
}

// takesPods says whether the scheduler may place a pod without tolerations on a node.
func takesPods(n corev1.Node) bool {
	kept := slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule })
	return !n.Spec.Unschedulable && !kept && ready(n) == "true"
}

// inZones says in one line how much is free of each resource.
func inZones(nodes []corev1.Node, pods []corev1.Pod, names []corev1.ResourceName) string {
	sums := map[string]room{}
	var zones, out []string
	for _, n := range nodes {
		zone := zoneOf(n)
		sum, ok := sums[zone]
		if !ok {
			sum = room{corev1.ResourceList{}, corev1.ResourceList{}}
			zones = append(zones, zone)
		}
		one := roomOf(n, pods)
		add(sum.allocatable, one.allocatable)
		add(sum.requested, one.requested)
		sums[zone] = sum
	}
	slices.Sort(zones)
	for _, zone := range zones {
		var parts []string
		for _, name := range names {
			free, all := sums[zone].free(name), sums[zone].allocatable[name]
			parts = append(parts, fmt.Sprintf("%s %s of %s", name, free.String(), all.String()))
		}
		if zone == "" {
			zone = "no zone"
		}
		out = append(out, zone+": "+strings.Join(parts, ", "))
	}
	return strings.Join(out, "; ")
}
