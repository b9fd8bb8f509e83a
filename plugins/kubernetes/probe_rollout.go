package kubernetes

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type rolloutConfig struct {
	Namespace string `json:"namespace"`
	Workload  string `json:"workload"`
}

func (p *provider) rollout() sdk.Prober {
	return &prober[rolloutConfig]{
		p: p,
		schema: sdk.Schema{
			Doc: "A workload's rollout is complete, as kubectl rollout status says, and all its pods are ready.",
			Attributes: []sdk.Attribute{
				{Name: "namespace", Type: sdk.String, Required: true, Doc: "The namespace."},
				{Name: "workload", Type: sdk.String, Required: true, Doc: "Such as deployment/web. Deployments, StatefulSets and DaemonSets have rollouts."},
			},
		},
		needs: rolloutConfig.needs, ask: askRollout,
	}
}

func (c rolloutConfig) ref() (cluster.Ref, error) {
	kind, name, _ := strings.Cut(c.Workload, "/")
	k, ok := workloadKinds()[strings.ToLower(kind)]
	if !ok || name == "" || k == cluster.ReplicaSets {
		return cluster.Ref{}, fmt.Errorf("workload: %q has no rollout; write deployment/NAME, statefulset/NAME or daemonset/NAME", c.Workload)
	}
	return cluster.Ref{Kind: k, Namespace: c.Namespace, Name: name}, nil
}

func (c rolloutConfig) needs() (out []access.Need) {
	if r, err := c.ref(); err == nil {
		return access.On(r.Kind, r.Namespace, r.Name, "get")
	}
	for _, k := range []cluster.Kind{cluster.Deployments, cluster.StatefulSets, cluster.DaemonSets} {
		out = append(out, access.On(k, c.Namespace, "", "get")...)
	}
	return out
}

func askRollout(ctx context.Context, s *session, _ sdk.Request, c rolloutConfig) (sdk.Observation, error) {
	r, err := c.ref()
	if err != nil {
		return sdk.Observation{}, err
	}
	o, err := s.cluster.Get(ctx, r)
	switch {
	case apierrors.IsNotFound(err):
		return bad("there is no %s", r)
	case err != nil:
		return sdk.Observation{}, err
	}
	number := func(path ...string) int64 {
		n, _, _ := unstructured.NestedInt64(o.Object, path...)
		return n
	}
	want := number("spec", "replicas")
	names := []string{"updatedReplicas", "readyReplicas", "availableReplicas", "replicas"}
	if r.Kind == cluster.DaemonSets {
		want = number("status", "desiredNumberScheduled")
		names = []string{"updatedNumberScheduled", "numberReady", "numberAvailable"}
	}
	if number("status", "observedGeneration") < o.GetGeneration() {
		return bad("the controller has not seen the newest %s yet", r)
	}
	for _, name := range names {
		if has := number("status", name); has != want {
			return bad("%s has %d %s, and should have %d", r, has, name, want)
		}
	}
	return good()
}
