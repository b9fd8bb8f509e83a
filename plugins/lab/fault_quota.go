package lab

import (
	"context"
	"errors"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/capacity"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type quotaConfig struct {
	Headroom int `json:"headroom"`
}

// quotaExhaustion makes a region's control API deny new instances.
func quotaExhaustion() kind {
	return kind{
		name: "lab_quota_exhaustion", target: "lab_region", undo: "the region's quota is what it was",
		schema: sdk.Schema{
			Doc: "Uses up a region's quota of instances: its control API denies what would exceed it.",
			Attributes: []sdk.Attribute{{
				Name: "headroom", Type: sdk.Number, Default: 0, Doc: "How many launches are still granted.",
			}},
		},
		plan: planQuota, inspect: inspectQuota,
	}
}

func planQuota(req sdk.Request, _ *world, st control.Status, r *control.Record) ([]string, []sdk.Problem, error) {
	var c quotaConfig
	if err := req.Decode(&c); err != nil {
		return nil, nil, err
	}
	if c.Headroom < 0 {
		return nil, []sdk.Problem{{Severity: sdk.Error, Path: []string{"headroom"}, Summary: "The headroom cannot be below zero", Detail: "0 denies every launch"}}, nil
	}
	r.Kind, r.Headroom = control.QuotaExhaustion, c.Headroom
	var effects []string
	var problems []sdk.Problem
	for _, region := range r.Targets {
		q := st.Regions[region].Quota
		if q.Used+c.Headroom >= q.Limit {
			problems = append(problems, sdk.Problem{
				Severity: sdk.Error, Path: []string{"headroom"},
				Summary: fmt.Sprintf("The quota of %s has no more than that headroom already", region),
				Detail:  fmt.Sprintf("%d of %d instances are in use: the fault would change nothing", q.Used, q.Limit),
			})
		}
		effects = append(effects, fmt.Sprintf("the quota of %s falls from %d instances to %d: headroom %d instead of %d",
			region, q.Limit, q.Used+c.Headroom, c.Headroom, q.Limit-q.Used))
	}
	return effects, problems, nil
}

// inspectQuota asks the control API for an instance, as a dry run.
func inspectQuota(ctx context.Context, w *world, r control.Record) (sdk.State, error) {
	return each(r.Targets, func(region string) sdk.State {
		got, err := w.Instances(ctx, region)
		if err != nil {
			return sdk.State{Status: sdk.Unknown, Evidence: err.Error()}
		}
		_, err = w.Launch(ctx, region, true)
		evidence := fmt.Sprintf("%s: %d of %d instances in use, the control API would grant another one", region, got.Quota.Used, got.Quota.Limit)
		if err != nil {
			evidence = fmt.Sprintf("%s: the control API answers %q", region, err)
		}
		switch clamped := got.Quota.Limit < w.lab.Settings.Quota; {
		case clamped && (r.Headroom > 0 || denied(err)):
			return sdk.State{Status: sdk.Active, Evidence: evidence}
		case !clamped:
			return sdk.State{Status: sdk.Inactive, Evidence: evidence}
		}
		return sdk.State{Status: sdk.Unknown, Evidence: evidence}
	}), nil
}

func denied(err error) bool {
	var status *control.StatusError
	return errors.As(err, &status) && status.Code == string(capacity.QuotaExceeded)
}
