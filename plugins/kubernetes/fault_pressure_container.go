package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// nobody is the user that the container runs as.
const nobody = 65532

// last is the newest container of the fault in a pod, and its state; the name is empty if there is none. There may be several where the
// fault was injected again: one that has ended cannot be started again.
func (u pressed) last(p corev1.Pod) (name string, is corev1.ContainerState) {
	if count := u.count(p); count > 0 {
		name = u.named(count)
	}
	for _, st := range p.Status.EphemeralContainerStatuses {
		if st.Name == name {
			is = st.State
		}
	}
	return name, is
}

// next is the name of one more.
func (u pressed) next(p corev1.Pod) string { return u.named(u.count(p) + 1) }

// count is how many there are. The API server puts new ones at either end of the list.
func (u pressed) count(p corev1.Pod) (n int) {
	for _, c := range p.Spec.EphemeralContainers {
		if c.Name == u.Container || strings.HasPrefix(c.Name, u.Container+"-") {
			n++
		}
	}
	return n
}

func (u pressed) named(n int) string {
	if n == 1 {
		return u.Container
	}
	return fmt.Sprintf("%s-%d", u.Container, n)
}

// manifest is a container that pods of any security standard admit. It reads its input once: when gameday lets go, that ends.
func (u pressed) manifest(name, run string) corev1.EphemeralContainer {
	yes, no, user := true, false, int64(nobody)
	return corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
		Name: name, Image: u.Image, Args: u.Order.Args(), Stdin: true, StdinOnce: true,
		Env: []corev1.EnvVar{{Name: "GAMEDAY_RUN", Value: run}},
		SecurityContext: &corev1.SecurityContext{
			RunAsNonRoot: &yes, RunAsUser: &user, AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
			Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}}
}

// add puts a container into a pod, or asks the API server whether that would do.
func (s *session) add(ctx context.Context, pod cluster.Ref, c corev1.EphemeralContainer, dry ...string) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID}, // and not another pod of that name
		"spec":     map[string]any{"ephemeralContainers": []corev1.EphemeralContainer{c}},
	})
	if err != nil {
		return fmt.Errorf("describing the container for %s: %w", pod, err)
	}
	ctx, cancel := cluster.Writing(ctx)
	defer cancel()
	_, err = s.cluster.Typed.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch,
		metav1.PatchOptions{FieldManager: cluster.Manager, DryRun: dry}, "ephemeralcontainers")
	if err != nil {
		return fmt.Errorf("adding a container to %s: %w", pod, s.cluster.Explain(err))
	}
	return nil
}

// tryPressure asks at plan time whether the pod would take the container.
func (s *session) tryPressure(ctx context.Context, p corev1.Pod, u pressed, run string) ([]sdk.Problem, error) {
	name := p.Namespace + "/" + p.Name
	switch {
	case p.Spec.OS != nil && p.Spec.OS.Name == corev1.Windows:
		return []sdk.Problem{problem("targets", name+" is a pod of Windows", "The container is one of Linux. Choose other pods.")}, nil
	case p.Status.Phase != corev1.PodRunning:
		return []sdk.Problem{problem("targets", fmt.Sprintf("%s does not run: it is %s", name, p.Status.Phase), "Wait until it does, or choose other pods.")}, nil
	}
	err := s.add(ctx, podRef(p), u.manifest("gameday-pressure-trial", run), metav1.DryRunAll) // before the run there is no name yet
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
		return []sdk.Problem{problem("targets", sentence(err), "The API server would not admit the container.")}, nil
	}
	return nil, err
}

// tight says where memory would run out.
func tight(p corev1.Pod, take int64) []sdk.Problem {
	limit, used := memoryOf(p)
	name := p.Namespace + "/" + p.Name
	switch {
	case limit == 0 || take == 0 || take+used <= limit:
		return nil
	case take >= limit:
		return []sdk.Problem{problem("memory_bytes", fmt.Sprintf("%s may use %d bytes of memory in all, by its limits", name, limit), "The kernel would kill the container before it has taken that much. Take less.")}
	}
	return []sdk.Problem{warning("memory_bytes", fmt.Sprintf("%s may use %d bytes of memory in all, of which its containers request %d", name, limit, used),
		"If they use that much, the kernel kills the container of the fault, and the fault ends early.")}
}

// memoryOf is what a pod may use, zero if there is no limit, and what it asks for.
func memoryOf(p corev1.Pod) (limit, request int64) {
	limited := true
	for _, c := range p.Spec.Containers {
		of := c.Resources.Limits.Memory().Value()
		limited = limited && of > 0
		limit, request = limit+of, request+c.Resources.Requests.Memory().Value()
	}
	if r := p.Spec.Resources; r != nil && r.Limits.Memory().Value() > 0 {
		return r.Limits.Memory().Value(), request
	}
	if !limited {
		return 0, request
	}
	return limit, request
}

func (u pressed) effect(p corev1.Pod) string {
	out := fmt.Sprintf("press on %s in pod %s/%s on %s, with the ephemeral container %s from the image %s", u.Order, p.Namespace, p.Name, p.Spec.NodeName, u.Container, u.Image)
	if u.Replace {
		return out + "; evict the pod at the end"
	}
	return out + ", which the pod lists as ended until it is replaced"
}
