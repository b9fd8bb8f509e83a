package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/press"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// pressed are pods with a container of ours in each, which takes what the pod may use. It ends when this process lets go of it or dies; the
// pod lists it as ended from then on, because Kubernetes takes no ephemeral container out of a pod.
type pressed struct {
	Pods      []cluster.Ref `json:"pods"`
	Container string        `json:"container"`
	Image     string        `json:"image"`
	Order     press.Order   `json:"order"`
	// Replace says that the pods are evicted at the end, so that their successors have no such container.
	Replace bool    `json:"replace,omitempty"`
	How     removal `json:"how,omitzero"`
	Respawn respawn `json:"respawn,omitzero"`
}

func (u pressed) follows() []cluster.Ref { return append(u.Respawn.follows(), u.Pods...) }

type pressureConfig struct {
	respawnConfig
	Image   string  `json:"image"`
	CPU     float64 `json:"cpu"`
	Memory  int64   `json:"memory_bytes"`
	Replace bool    `json:"replace_pod"`
}

// The most that one container may be asked to take.
const (
	mostCPU    = 256
	mostMemory = 1 << 40
)

func podPressure() kind[pressed] {
	return kind[pressed]{
		name: "kubernetes_pressure", targets: []string{"kubernetes_pod"},
		schema: sdk.Schema{
			Doc: "An ephemeral container in each pod keeps processors busy and takes memory. Kubernetes gives such a container no limit of its own, so what is used up is what " +
				"the pod may use: the sum of its containers' limits if each of them has one, and what the node has otherwise. The pod's own containers have precedence for " +
				"processors, because the container has no request, and when memory runs out the kernel kills the container of the fault first, which ends the fault. " +
				"It ends with its connection to gameday. If every process of gameday dies at once it ends by itself, at the latest after 15 seconds.",
			Attributes: append([]sdk.Attribute{
				{Name: "image", Type: sdk.String, Required: true, Doc: "An image whose entry point is gameday-plugin-kubernetes, of this version, that the pods' nodes can pull. It runs as user 65532 without any privilege."},
				{Name: "cpu", Type: sdk.Number, Default: 0, Doc: "How many processors to keep busy in each pod, such as 0.5 or 4. Give this, memory_bytes or both."},
				{Name: "memory_bytes", Type: sdk.Number, Default: 0, Doc: "How many bytes of memory to take in each pod."},
				{Name: "replace_pod", Type: sdk.Bool, Default: false, Doc: "Evict the pods at the end, so that what controls them makes others. Otherwise each pod lists the container as ended until it is replaced."},
			}, respawnAttributes()...),
		},
		needs: pressureNeeds, also: replacementNeeds,
		plan: planPressure, inject: injectPressure, inspect: inspectPressure, revert: revertPressure,
	}
}

func pressureNeeds(targets []sdk.Target) (out []access.Need) {
	for _, ns := range namespacesOf(targets) {
		out = append(out, access.On(cluster.Pods, ns, "", "get")...)
		out = append(out, access.Need{Verb: "patch", Resource: cluster.Pods.Resource, Subresource: "ephemeralcontainers", Namespace: ns},
			access.Need{Verb: "get", Resource: cluster.Pods.Resource, Subresource: "attach", Namespace: ns},
			access.Need{Verb: "create", Resource: cluster.Pods.Resource, Subresource: "attach", Namespace: ns},
			access.Need{Verb: "get", Resource: cluster.Pods.Resource, Subresource: "log", Namespace: ns})
	}
	return out
}

// replacementNeeds are those of a fault that replaces its pods.
func replacementNeeds(config json.RawMessage, targets []sdk.Target) (out []access.Need, err error) {
	c := pressureConfig{Replace: config == nil}
	if err := (sdk.Request{ID: "fault", Config: config}).Decode(&c); err != nil || !c.Replace {
		return nil, err
	}
	for _, ns := range namespacesOf(targets) {
		out = append(out, respawnNeeds(ns)...)
		out = append(out, access.Need{Verb: "create", Resource: cluster.Pods.Resource, Subresource: "eviction", Namespace: ns})
	}
	return out, nil
}

func planPressure(ctx context.Context, s *session, req sdk.Request, m mark.Mark) (p plan[pressed], problems []sdk.Problem, err error) {
	c := pressureConfig{respawnConfig: respawnDefaults()}
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	if problems = c.mistakes(); len(problems) > 0 {
		return p, problems, nil
	}
	pods, problems, err := s.takePods(ctx, req.Targets)
	if err != nil || len(problems) > 0 {
		return p, problems, err
	}
	p.own = pressed{Container: m.Name("pressure"), Image: c.Image, Order: press.Order{CPU: c.CPU, Memory: c.Memory}, Replace: c.Replace}
	if c.Replace {
		p.own.How = removal{Evict: true, Timeout: sdk.Span(evictDefault)}
		if p.own.Respawn, problems, err = c.plan(ctx, s, pods); err != nil || len(problems) > 0 {
			return p, problems, err
		}
	}
	problems, err = s.tryPods(ctx, pods, p.own, req.Run)
	p.own.Pods, p.effects, p.steps = refsOf(pods), p.own.effects(pods), p.own.steps(s, pods)
	p.alone = fmt.Sprintf("if every process of gameday dies at once, the containers end by themselves, at the latest after %v", press.Silence)
	if c.Replace {
		p.alone += ", and the pods are not replaced until gameday recover"
	}
	return p, problems, err
}

func refsOf(pods []corev1.Pod) (out []cluster.Ref) {
	for _, p := range pods {
		out = append(out, podRef(p))
	}
	return out
}

// tryPods asks at plan time whether the pods would take the container, and what it asks for.
func (s *session) tryPods(ctx context.Context, pods []corev1.Pod, u pressed, run string) ([]sdk.Problem, error) {
	found := make([][]sdk.Problem, len(pods))
	err := each(ctx, indexes(pods), func(i int) error {
		mistakes, err := s.tryPressure(ctx, pods[i], u, run)
		found[i] = append(mistakes, tight(pods[i], u.Order.Memory)...)
		return err
	})
	return slices.Concat(found...), err
}

func (u pressed) effects(pods []corev1.Pod) (out []string) {
	for _, p := range pods {
		out = append(out, u.effect(p))
	}
	return out
}

// steps end the containers by hand.
func (u pressed) steps(s *session, pods []corev1.Pod) (out []string) {
	for _, p := range pods {
		out = append(out, s.cluster.Kubectl("-n %s attach -i %s -c %s </dev/null", p.Namespace, p.Name, u.Container)+" # it ends when nobody holds its input")
	}
	if u.Replace {
		out = append(out, u.Respawn.steps(s)...)
	}
	return out
}

func (c pressureConfig) mistakes() (out []sdk.Problem) {
	if c.Image == "" {
		out = append(out, problem("image", "There is no image for the container", "Give one whose entry point is gameday-plugin-kubernetes."))
	}
	if c.CPU < 0 || c.CPU > mostCPU {
		out = append(out, problem("cpu", fmt.Sprintf("%v processors", c.CPU), fmt.Sprintf("Use more than 0 and at most %d.", mostCPU)))
	}
	if c.Memory < 0 || c.Memory > mostMemory {
		out = append(out, problem("memory_bytes", fmt.Sprintf("%d bytes of memory", c.Memory), "Use more than 0 and at most 1 TiB."))
	}
	if c.CPU == 0 && c.Memory == 0 {
		out = append(out, problem("", "Nothing is pressed on", "Give cpu, memory_bytes or both."))
	}
	return out
}
