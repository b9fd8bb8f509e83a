package kubernetes

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// nowhere is a registry that no name server knows (RFC 2606).
const nowhere = "gameday.invalid"

// unpulled are workloads that were given images that cannot be pulled, as by a bad deployment or while the registry is away. Pods that
// run go on; what is started anew fails. When every process of ours dies at once, the images stay.
type unpulled struct {
	Workloads []unpulledWorkload `json:"workloads"`
	// Registry and path that all images of this fault begin with, and no other.
	Prefix string `json:"prefix"`
}

type unpulledWorkload struct {
	Ref      cluster.Ref `json:"ref"`
	Selector string      `json:"selector"` // of its pods
}

func imagePull() kind[unpulled] {
	return kind[unpulled]{
		name: "kubernetes_image_pull", targets: []string{"kubernetes_workload"},
		schema: sdk.Schema{
			Doc: "The images of the workloads cannot be pulled, as after a bad deployment or while the registry is away: each image is taken from the registry " +
				nowhere + " instead, which does not exist. The workload rolls out as it does with any change, so what serves meanwhile is what its update strategy leaves running. " +
				"The undo restores the images, deletes the pods and the revisions that have the wrong ones, and waits until they are gone. If every process of gameday dies at once, the images stay until gameday recover.",
			Attributes: []sdk.Attribute{
				{Name: "containers", Type: sdk.StringList, Doc: "The containers, also initContainers, whose image it is; by default all containers and no initContainers."},
			},
		},
		needs: imagePullNeeds, plan: planImagePull, inspect: inspectImagePull, revert: revertImagePull,
	}
}

func imagePullNeeds(targets []sdk.Target) (out []access.Need) {
	all := refs(targets)
	if targets == nil {
		all = []cluster.Ref{{Kind: cluster.Deployments}, {Kind: cluster.StatefulSets}, {Kind: cluster.DaemonSets}, {Kind: cluster.ReplicaSets}}
	}
	for _, r := range all {
		out = append(out, access.On(r.Kind, r.Namespace, r.Name, "get", "patch")...)
		out = append(out, access.On(cluster.Pods, r.Namespace, "", "list", "delete")...)
		if k, ok := revisionsOf(r.Kind); ok {
			out = append(out, access.On(k, r.Namespace, "", "list", "delete")...)
		}
	}
	return out
}

// revisionsOf is the kind of object in which a workload keeps what it was, for a rollback.
func revisionsOf(k cluster.Kind) (cluster.Kind, bool) {
	switch k {
	case cluster.Deployments:
		return cluster.ReplicaSets, true
	case cluster.StatefulSets, cluster.DaemonSets:
		return cluster.ControllerRevisions, true
	}
	return cluster.Kind{}, false
}

func planImagePull(ctx context.Context, s *session, req sdk.Request, m mark.Mark) (p plan[unpulled], problems []sdk.Problem, err error) {
	var c struct {
		Containers []string `json:"containers"`
	}
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	p.own.Prefix = nowhere + "/" + m.Hash + "/"
	for _, t := range req.Targets {
		r, o, found, err := s.take(ctx, t)
		if err != nil {
			return p, nil, err
		}
		if problems = append(problems, found...); len(found) > 0 {
			continue
		}
		w := imageChange{ref: r, object: o, prefix: p.own.Prefix}
		if found := w.refuse(); len(found) > 0 {
			problems = append(problems, found...)
			continue
		}
		problems = append(problems, w.choose(c.Containers)...)
		if len(w.sets) == 0 {
			continue
		}
		edit, err := change.NewEdit(r.Kind, o, w.sets...)
		if err != nil {
			return p, nil, err
		}
		selector, err := selectorOf(o)
		if err != nil {
			return p, nil, err
		}
		p.items = append(p.items, change.Item{Edit: &edit})
		p.own.Workloads = append(p.own.Workloads, unpulledWorkload{r, selector})
		p.steps = append(p.steps, s.cluster.Kubectl("%s %s", r.Args("set image"), strings.Join(w.back, " ")))
	}
	p.effects = []string{"once that is undone: delete the pods and revisions that have images of " + strings.TrimSuffix(p.own.Prefix, "/")}
	return p, problems, nil
}

// imageChange is what is to become of one workload.
type imageChange struct {
	ref    cluster.Ref
	object *unstructured.Unstructured
	prefix string
	sets   []change.Set
	back   []string // the images as they were, as arguments of kubectl set image
}

// refuse finds reasons for which no pod would ever show the fault.
func (w *imageChange) refuse() (out []sdk.Problem) {
	if n, ok := replicas(w.object); ok && n == 0 {
		out = append(out, problem("targets", fmt.Sprintf("%s has no replicas", w.ref), "No pod would need the image. Choose another workload."))
	}
	if paused, _, _ := unstructured.NestedBool(w.object.Object, "spec", "paused"); paused {
		out = append(out, problem("targets", fmt.Sprintf("The rollout of %s is paused", w.ref), "No pod would get the image. Resume it, with kubectl rollout resume."))
	}
	for _, field := range []string{"updateStrategy", "strategy"} {
		if how, _, _ := unstructured.NestedString(w.object.Object, "spec", field, "type"); how == "OnDelete" {
			out = append(out, problem("targets", fmt.Sprintf("%s gives new images only to pods that somebody deletes (OnDelete)", w.ref), "Choose another workload."))
		}
	}
	if w.ref.Kind == cluster.ReplicaSets {
		out = append(out, problem("targets", fmt.Sprintf("%s does not roll out", w.ref), "No pod would get the image. Choose a deployment, a statefulset or a daemonset."))
	}
	return out
}

// choose finds the containers, and what their images become.
func (w *imageChange) choose(names []string) (out []sdk.Problem) {
	var there []string
	for _, list := range []string{"containers", "initContainers"} {
		all, _, _ := unstructured.NestedSlice(w.object.Object, "spec", "template", "spec", list)
		for _, v := range all {
			c, _ := v.(map[string]any)
			name, _ := c["name"].(string)
			image, _ := c["image"].(string)
			there = append(there, name)
			if len(names) == 0 && list != "containers" || len(names) > 0 && !slices.Contains(names, name) {
				continue
			}
			w.sets = append(w.sets, change.Set{
				Path:  change.At("spec", "template", "spec", list).Of(map[string]string{"name": name}).To("image"),
				Value: elsewhere(image, w.prefix),
			})
			w.back = append(w.back, cluster.Quote(name+"="+image))
			if c["imagePullPolicy"] == string(corev1.PullNever) {
				out = append(out, warning("", fmt.Sprintf("Container %s of %s has imagePullPolicy Never", name, w.ref), "It fails with ErrImageNeverPull and asks no registry."))
			}
		}
	}
	for i, name := range names {
		if !slices.Contains(there, name) {
			out = append(out, problem(fmt.Sprintf("containers.%d", i), fmt.Sprintf("%s has no container %q", w.ref, name), near(there)))
		}
	}
	if owner := metav1.GetControllerOf(w.object); owner != nil {
		out = append(out, warning("targets", fmt.Sprintf("%s belongs to %s %s", w.ref, owner.Kind, owner.Name), "Whatever controls that may put the image back at once."))
	}
	return out
}

// elsewhere is an image of the same name and tag, with the prefix. A digest would name what some node may have already.
func elsewhere(image, prefix string) string {
	name, _, _ := strings.Cut(image, "@")
	return prefix + path.Base(name)
}

// inspectImagePull looks for pods that wait for an image of this fault.
func inspectImagePull(ctx context.Context, s *session, _ sdk.Handle, u unpulled) (sdk.State, error) {
	var seen []sdk.State
	for _, w := range u.Workloads {
		pods, err := s.unpulledPods(ctx, w, u.Prefix)
		if err != nil {
			return sdk.State{}, err
		}
		state := unknown("no pod of %s has the new image yet", w.Ref)
		for _, p := range pods {
			if reason := waitsForImage(p, u.Prefix); reason != "" {
				state = active("pod %s: %s", p.Name, reason)
				break
			}
			state = unknown("pod %s of %s has the new image and does not fail for it yet", p.Name, w.Ref)
		}
		seen = append(seen, state)
	}
	return combine(seen), nil
}

// unpulledPods are the pods of a workload that have an image of this fault.
func (s *session) unpulledPods(ctx context.Context, w unpulledWorkload, prefix string) ([]corev1.Pod, error) {
	all, err := s.listPods(ctx, w.Ref.Namespace, w.Selector)
	return slices.DeleteFunc(all, func(p corev1.Pod) bool { return !hasImage(p.Spec, prefix) }), err
}

func hasImage(s corev1.PodSpec, prefix string) bool {
	return slices.ContainsFunc(append(slices.Clone(s.InitContainers), s.Containers...), func(c corev1.Container) bool { return strings.HasPrefix(c.Image, prefix) })
}

// waitsForImage says why a container with an image of this fault does not start. The kubelet has these reasons.
func waitsForImage(p corev1.Pod, prefix string) string {
	reasons := []string{"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError"}
	for _, c := range append(slices.Clone(p.Status.InitContainerStatuses), p.Status.ContainerStatuses...) {
		if c.State.Waiting != nil && slices.Contains(reasons, c.State.Waiting.Reason) && hasImage(corev1.PodSpec{Containers: specOf(p, c.Name)}, prefix) {
			return fmt.Sprintf("container %s waits with %s", c.Name, c.State.Waiting.Reason)
		}
	}
	return ""
}

func specOf(p corev1.Pod, container string) []corev1.Container {
	all := append(slices.Clone(p.Spec.InitContainers), p.Spec.Containers...)
	return slices.DeleteFunc(all, func(c corev1.Container) bool { return c.Name != container })
}
