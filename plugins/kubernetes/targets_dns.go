package kubernetes

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type dnsSelectors struct {
	Namespace string `json:"namespace"`
	ConfigMap string `json:"config_map"`
	Selector  string `json:"selector"`
}

// dns finds the CoreDNS of a cluster, by the ConfigMap that its Corefile is in.
func (p *provider) dns() sdk.TargetType {
	return &targetType[dnsSelectors]{
		p: p, name: "kubernetes_dns",
		defaults: dnsSelectors{Namespace: "kube-system", ConfigMap: "coredns", Selector: "k8s-app=kube-dns"},
		schema: sdk.Schema{
			Doc: "The CoreDNS of the cluster, by the ConfigMap that has its Corefile.",
			Attributes: []sdk.Attribute{
				{Name: "namespace", Type: sdk.String, Default: "kube-system", Doc: "The namespace of ConfigMap and pods."},
				{Name: "config_map", Type: sdk.String, Default: "coredns", Doc: "The name of the ConfigMap; the Corefile is its key Corefile."},
				{Name: "selector", Type: sdk.String, Default: "k8s-app=kube-dns", Doc: "Labels of the pods of CoreDNS, as for kubectl -l."},
			},
		},
		needs: func(c dnsSelectors) []access.Need {
			return access.On(cluster.ConfigMaps, c.Namespace, c.ConfigMap, "get")
		},
		check: func(c dnsSelectors) []sdk.Problem { return checkSelector(c.Selector) },
		find:  findDNS,
	}
}

func findDNS(ctx context.Context, s *session, c dnsSelectors, _ int64) (sdk.Selection, []sdk.Problem, error) {
	o, err := s.cluster.Get(ctx, cluster.Ref{Kind: cluster.ConfigMaps, Namespace: c.Namespace, Name: c.ConfigMap})
	if err != nil && !apierrors.IsNotFound(err) {
		return sdk.Selection{}, nil, err
	}
	if err != nil {
		return sdk.Selection{}, []sdk.Problem{problem("config_map", "There is no ConfigMap "+c.Namespace+"/"+c.ConfigMap,
			"Name the one that the Corefile of CoreDNS is in. A cluster with another DNS server, such as kube-dns, has none.")}, nil
	}
	found := target("kubernetes_dns", cluster.RefOf(cluster.ConfigMaps, o), map[string]string{"namespace": c.Namespace, "selector": c.Selector})
	return sdk.Selection{Targets: []sdk.Target{found}, Population: 1}, nil, nil
}
