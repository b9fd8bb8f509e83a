package kubernetes

import (
	"context"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type restartsConfig struct {
	Namespace string `json:"namespace"`
	Selector  string `json:"selector"`
	Max       int    `json:"max"`
}

func (p *provider) restarts() sdk.Prober {
	return &prober[restartsConfig]{
		p: p,
		schema: sdk.Schema{
			Doc: "The containers of the pods have not restarted more often than that since the probe was first asked in the run.",
			Attributes: []sdk.Attribute{
				{Name: "namespace", Type: sdk.String, Required: true, Doc: "The namespace."},
				{Name: "selector", Type: sdk.String, Doc: "Labels of the pods, as for kubectl -l."},
				{Name: "max", Type: sdk.Number, Default: 0, Doc: "So many restarts are good, all containers together."},
			},
		},
		needs: func(c restartsConfig) []access.Need { return access.On(cluster.Pods, c.Namespace, "", "list") },
		ask:   askRestarts,
	}
}

func askRestarts(ctx context.Context, s *session, req sdk.Request, c restartsConfig) (sdk.Observation, error) {
	pods, err := s.listPods(ctx, c.Namespace, c.Selector)
	if err != nil {
		return sdk.Observation{}, err
	}
	now := map[string]int{}
	for _, p := range pods {
		n := 0
		for _, c := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
			n += int(c.RestartCount)
		}
		now[string(p.UID)] = n
	}
	if n := s.memory.restarts(req, now); n > c.Max {
		return bad("%d restarts since the probe was first asked, more than %d", n, c.Max)
	}
	return good()
}
