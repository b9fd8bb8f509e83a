package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// sweep finds everything that carries our mark, in every region that it is to look at.
func (p *provider) sweep(ctx context.Context) ([]sdk.Handle, error) {
	if p.cfg.Region == "" || p.who().account == "" {
		return nil, fmt.Errorf("%w: no AWS region or no credentials are configured here", sdk.ErrNotOffered)
	}
	regions, err := p.sweepRegions(ctx)
	if err != nil {
		return nil, err
	}
	left := map[string][]found{}
	var errs []error
	for i, region := range regions {
		s, err := p.site(ctx, region)
		if err != nil {
			return nil, err
		}
		for _, part := range everyPart() {
			if part.global && i > 0 {
				continue
			}
			more, err := part.sweep(ctx, s)
			if notThere(err) {
				continue // and so nothing can have been made with it
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("sweeping %s for %s: %w", region, part.name, err))
			}
			for _, f := range more {
				left[f.mark.Handle] = append(left[f.mark.Handle], f)
			}
		}
	}
	var out []sdk.Handle
	for _, id := range slices.Sorted(maps.Keys(left)) {
		h, err := p.remembered(ctx, id, left[id])
		errs = append(errs, err)
		out = append(out, h)
	}
	return out, errors.Join(errs...)
}

// sweepRegions are the regions to look at.
func (p *provider) sweepRegions(ctx context.Context) ([]string, error) {
	if len(p.settings.SweepRegions) > 0 {
		return p.settings.SweepRegions, nil
	}
	s, err := p.site(ctx, "")
	if err != nil {
		return nil, err
	}
	all, err := s.ec2().DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	if deniedProblem(s, err) != nil {
		return []string{s.region}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the regions of the account: %w", err)
	}
	var out []string
	for _, r := range all.Regions {
		out = append(out, awssdk.ToString(r.RegionName))
	}
	slices.Sort(out)
	return out, nil
}

// remembered makes a handle of the marks that one fault left. The parts come in the order in which the fault injects them.
func (p *provider) remembered(ctx context.Context, id string, left []found) (sdk.Handle, error) {
	s, err := p.site(ctx, "")
	if err != nil {
		return sdk.Handle{}, err
	}
	m := left[0].mark
	order := map[string]int{}
	for _, f := range faults() {
		for i, part := range f.parts {
			if f.name == m.Fault {
				order[part.name] = i
			}
		}
	}
	slices.SortStableFunc(left, func(a, b found) int { return order[a.Part] - order[b.Part] })
	u := undo{Account: s.account, Partition: s.partition, Endpoint: p.endpoint()}
	h := sdk.Handle{ID: id, Run: m.Run, Plugin: "aws", Version: Version, Fault: m.Fault}
	for _, f := range left {
		u.Changes = append(u.Changes, f.change)
	}
	for _, f := range slices.Backward(left) {
		h.Steps = append(h.Steps, f.byHand)
	}
	if h.Undo, err = json.Marshal(u); err != nil {
		return sdk.Handle{}, fmt.Errorf("writing the handle of %s: %w", id, err)
	}
	return h, nil
}

// everyPart is each kind of change once, whatever faults it is a part of.
func everyPart() []part {
	var out []part
	for _, f := range faults() {
		for _, p := range f.parts {
			if !slices.ContainsFunc(out, func(o part) bool { return o.name == p.name }) {
				out = append(out, p)
			}
		}
	}
	return out
}
