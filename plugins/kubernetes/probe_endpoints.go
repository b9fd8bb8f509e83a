package kubernetes

import (
	"context"
	"fmt"

	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type endpointsConfig struct {
	Namespace  string  `json:"namespace"`
	Service    string  `json:"service"`
	Zone       string  `json:"zone"`
	Min        int     `json:"min"`
	MinPercent float64 `json:"min_percent"`
}

func (p *provider) endpoints() sdk.Prober {
	return &prober[endpointsConfig]{
		p: p, defaults: endpointsConfig{Min: 1},
		schema: sdk.Schema{
			Doc: "A Service has enough ready endpoints, by its EndpointSlices.",
			Attributes: []sdk.Attribute{
				{Name: "namespace", Type: sdk.String, Required: true, Doc: "The namespace."},
				{Name: "service", Type: sdk.String, Required: true, Doc: "The name of the Service."},
				{Name: "zone", Type: sdk.String, Doc: "Count only the endpoints in this zone."},
				{Name: "min", Type: sdk.Number, Default: 1, Doc: "So many have to be ready."},
				{Name: "min_percent", Type: sdk.Number, Default: 0, Doc: "So many percent have to be ready, of as many as were ready when the probe was first asked in the run."},
			},
		},
		needs: func(c endpointsConfig) []access.Need {
			return access.On(cluster.EndpointSlices, c.Namespace, "", "list")
		},
		ask: askEndpoints,
	}
}

func askEndpoints(ctx context.Context, s *session, req sdk.Request, c endpointsConfig) (sdk.Observation, error) {
	ready, err := s.readyEndpoints(ctx, c)
	if err != nil {
		return sdk.Observation{}, err
	}
	first := s.memory.first(req, ready)
	switch {
	case ready < c.Min:
		return bad("%d endpoints are ready, fewer than %d", ready, c.Min)
	case float64(ready) < float64(first)*c.MinPercent/100:
		return bad("%d endpoints are ready, fewer than %v %% of %d", ready, c.MinPercent, first)
	}
	return good()
}

// readyEndpoints counts each endpoint once, also if it has an address of each family.
func (s *session) readyEndpoints(ctx context.Context, c endpointsConfig) (int, error) {
	ready := map[string]bool{}
	err := cluster.Pages(ctx, discovery.LabelServiceName+"="+c.Service, func(ctx context.Context, o metav1.ListOptions) (string, error) {
		page, err := s.cluster.Typed.DiscoveryV1().EndpointSlices(c.Namespace).List(ctx, o)
		if err != nil {
			return "", fmt.Errorf("listing the endpoints of %s/%s: %w", c.Namespace, c.Service, s.cluster.Explain(err))
		}
		for _, slice := range page.Items {
			for _, e := range slice.Endpoints {
				inZone := c.Zone == "" || e.Zone != nil && *e.Zone == c.Zone
				if inZone && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
					ready[endpointKey(e)] = true
				}
			}
		}
		return page.Continue, nil
	})
	return len(ready), err
}

func endpointKey(e discovery.Endpoint) string {
	if e.TargetRef != nil {
		return string(e.TargetRef.UID)
	}
	return fmt.Sprint(e.Addresses)
}
