package kubernetes

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// exhausted is a namespace in which, or nodes on which, nothing more fits. When every process of ours dies at once, it stays like that.
type exhausted struct {
	Clamp *clamp `json:"clamp,omitempty"`
	Fill  *fill  `json:"fill,omitempty"`
}

const (
	modeClamp = "clamp"
	modeFill  = "fill"
)

type quotaConfig struct {
	Mode string `json:"mode"`
	clampConfig
	fillConfig
}

func quotaDefaults() quotaConfig {
	return quotaConfig{clampConfig: clampConfig{Resources: []string{"pods"}}, fillConfig: fillDefaults()}
}

func quota() kind[exhausted] {
	return kind[exhausted]{
		name: "kubernetes_quota", targets: []string{"kubernetes_namespace"},
		schema: sdk.Schema{
			Doc: "Nothing more fits. clamp: a ResourceQuota of gameday allows the namespace what it uses, and headroom. What runs goes on; when it ends, what replaces it " +
				"fits again, unless hard says less than what is used. A quota for requests or limits also refuses pods that have none. fill: pods of gameday, in the namespace, " +
				"reserve what is free on the nodes. Pods of a higher priority push them out. If every process of gameday dies at once, quota and pods stay until gameday recover.",
			Attributes: append(append([]sdk.Attribute{
				{Name: "mode", Type: sdk.String, Required: true, OneOf: []string{modeClamp, modeFill}, Doc: "clamp the namespace, or fill the nodes."},
			}, clampAttributes()...), fillAttributes()...),
		},
		needs: func([]sdk.Target) []access.Need { return nil },
		also:  quotaNeeds, plan: planQuota, inject: injectQuota, inspect: inspectQuota,
	}
}

func quotaNeeds(config json.RawMessage, targets []sdk.Target) (out []access.Need, err error) {
	c := quotaDefaults()
	if err := (sdk.Request{ID: "fault", Config: config}).Decode(&c); err != nil {
		return nil, err
	}
	all := refs(targets)
	if targets == nil {
		all = []cluster.Ref{{}}
		c.Resources = slices.Sorted(maps.Keys(countable()))
	}
	for _, r := range all {
		out = append(out, access.On(cluster.Namespaces, "", r.Name, "get")...)
		if c.Mode != modeFill {
			out = append(out, clampNeeds(c.clampConfig, r.Name)...)
		}
		if c.Mode != modeClamp {
			out = append(out, fillNeeds(r.Name)...)
		}
	}
	return out, nil
}

func planQuota(ctx context.Context, s *session, req sdk.Request, m mark.Mark) (p plan[exhausted], problems []sdk.Problem, err error) {
	c := quotaDefaults()
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	if len(req.Targets) != 1 {
		return p, []sdk.Problem{problem("targets", "One namespace at a time", "Use several faults.")}, nil
	}
	r, _, problems, err := s.take(ctx, req.Targets[0])
	if err != nil || len(problems) > 0 {
		return p, problems, err
	}
	if c.Mode == modeFill {
		return planFill(ctx, s, c.fillConfig, r.Name, m)
	}
	return planClamp(ctx, s, c.clampConfig, r.Name, m)
}

func injectQuota(ctx context.Context, s *session, _ sdk.Handle, u exhausted) error {
	if u.Clamp == nil {
		return nil
	}
	return u.Clamp.tighten(ctx, s)
}

func inspectQuota(ctx context.Context, s *session, _ sdk.Handle, u exhausted) (sdk.State, error) {
	if u.Clamp != nil {
		return u.Clamp.inspect(ctx, s)
	}
	return u.Fill.inspect(ctx, s)
}
