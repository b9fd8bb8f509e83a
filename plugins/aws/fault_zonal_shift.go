package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/arczonalshift"
	"github.com/aws/aws-sdk-go-v2/service/arczonalshift/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// shifted is one load balancer whose traffic is led away from a zone. A zonal shift ends by itself: it is started for a few
// minutes and renewed for as long as gameday renews the plugin's lease, so when every process of ours dies at once AWS ends it.
type shifted struct {
	Resource string   `json:"resource"`
	ZoneID   string   `json:"zone_id"`
	Expires  sdk.Span `json:"expires"`
}

func zonalShift() part {
	return newPart(kind[shifted]{
		name: "aws_zonal_shift", about: "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/*",
		attributes: []sdk.Attribute{
			{Name: "zone", Type: sdk.String, Doc: "The zone to lead traffic away from, by name or ID. Not needed where the target is a zone."},
			{Name: "expires", Type: sdk.Duration, Default: "3m", Doc: "How long the shift lasts when nobody renews it any more: whole minutes."},
		},
		needs: append(reading("arc-zonal-shift:ListZonalShifts", "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags", "ec2:DescribeAvailabilityZones"),
			changing([]string{"{arn}"}, "arc-zonal-shift:GetManagedResource", "arc-zonal-shift:StartZonalShift", "arc-zonal-shift:UpdateZonalShift", "arc-zonal-shift:CancelZonalShift")...),
		plan: planShift, look: lookShift,
		inject: func(ctx context.Context, s *site, m mark, u shifted) error {
			_, err := s.zonalshift().StartZonalShift(ctx, &arczonalshift.StartZonalShiftInput{
				ResourceIdentifier: new(u.Resource), AwayFrom: new(u.ZoneID), Comment: new(shiftComment(m)), ExpiresIn: new(minutes(u.Expires)),
			})
			if err == nil {
				s.keep(shiftKey(m, u), time.Duration(u.Expires)/3, func(ctx context.Context) error { return renewShift(ctx, s, m, u) })
			}
			return err
		},
		revert: func(ctx context.Context, s *site, m mark, u shifted) error {
			s.release(shiftKey(m, u))
			one, err := ourShift(ctx, s, m, u)
			if err != nil || one == nil {
				return err
			}
			_, err = s.zonalshift().CancelZonalShift(ctx, &arczonalshift.CancelZonalShiftInput{ZonalShiftId: one.ZonalShiftId})
			return err
		},
		find: findShifts,
	})
}

// minutes is how AWS is told of a length of time.
func minutes(d sdk.Span) string { return fmt.Sprintf("%dm", time.Duration(d)/time.Minute) }

// shiftComment is the mark of a shift, which has no tags. AWS takes 128 characters.
func shiftComment(m mark) string {
	return strings.Join([]string{"gameday", m.Fault, tagValue(m.Run, 40), tagValue(m.Handle, 60)}, " ")
}

func shiftKey(m mark, u shifted) string { return m.Handle + " " + u.Resource + " " + u.ZoneID }

func planShift(ctx context.Context, s *site, a ask) ([]item[shifted], []sdk.Problem, error) {
	c := struct {
		Zone    string   `json:"zone"`
		Expires sdk.Span `json:"expires"`
	}{Expires: sdk.Span(3 * time.Minute)}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	if d := time.Duration(c.Expires); d < time.Minute || d > 72*time.Hour || d%time.Minute != 0 {
		return nil, []sdk.Problem{problem("expires", "A zonal shift lasts a whole number of minutes, from 1m to 72h", "3m is what the plugin does by itself.")}, nil
	}
	zone, problems, err := shiftZone(ctx, s, a, c.Zone)
	if err != nil || len(problems) > 0 {
		return nil, problems, err
	}
	all, err := a.among(ctx, s, "aws_load_balancer", listBalancers)
	if err != nil {
		return nil, nil, err
	}
	var out []item[shifted]
	for _, r := range all {
		got, err := s.zonalshift().GetManagedResource(ctx, &arczonalshift.GetManagedResourceInput{ResourceIdentifier: new(r.arn)})
		switch {
		case missing(err):
			problems = append(problems, a.unable(r.name+" takes no part in zonal shifts",
				fmt.Sprintf("aws elbv2 modify-load-balancer-attributes --load-balancer-arn %s --attributes Key=zonal_shift.config.enabled,Value=true", r.arn)))
			continue
		case err != nil:
			return nil, nil, err
		case len(got.ZonalShifts) > 0 && !slices.ContainsFunc(got.ZonalShifts, func(z types.ZonalShiftInResource) bool {
			return strings.HasPrefix(awssdk.ToString(z.Comment), "gameday ")
		}):
			problems = append(problems, a.unable(fmt.Sprintf("%s has a zonal shift already: %s", r.name, awssdk.ToString(got.ZonalShifts[0].Comment)), "A resource has room for one. Wait for its end, or choose another."))
			continue
		case !slices.Contains(r.zones, zone):
			problems = append(problems, a.unable(fmt.Sprintf("%s is not in %s", r.name, zone), "There is no traffic to lead away."))
			continue
		}
		out = append(out, shiftItem(shifted{r.arn, zone, c.Expires}, r.name))
	}
	return out, problems, nil
}

// unable is a mistake where the resource itself was asked for, and worth a word where it only happens to be in the zone.
func (a ask) unable(summary, detail string) sdk.Problem {
	if a.target.Type == "aws_zone" {
		return warning("targets", summary, detail+" It is left as it is.")
	}
	return problem("targets", summary, detail)
}

// shiftZone is the ID of the zone that the block asks for.
func shiftZone(ctx context.Context, s *site, a ask, zone string) (string, []sdk.Problem, error) {
	if a.target.Type == "aws_zone" {
		return a.target.Attrs["zone_id"], nil, nil
	}
	if zone == "" {
		return "", []sdk.Problem{problem("zone", "The zone to lead traffic away from is not given", "Set zone, or give the fault an aws_zone as its target.")}, nil
	}
	all, err := zoneIDs(ctx, s)
	if err != nil {
		return "", nil, err
	}
	for name, id := range all {
		if zone == name || zone == id {
			return id, nil, nil
		}
	}
	return "", []sdk.Problem{problem("zone", fmt.Sprintf("There is no zone %s in %s", zone, s.region), "Name one by its name or its ID.")}, nil
}

func shiftItem(u shifted, name string) item[shifted] {
	return item[shifted]{
		arn: u.Resource, name: name, before: "without a zonal shift of this fault", made: "shifted away from " + u.ZoneID, undo: u,
		effect: fmt.Sprintf("lead the traffic of %s away from %s, for %s at a time", name, u.ZoneID, minutes(u.Expires)),
		byHand: fmt.Sprintf("aws arc-zonal-shift list-zonal-shifts --resource-identifier %s --status ACTIVE, then cancel-zonal-shift for the one whose comment begins with gameday; it ends by itself within %s", u.Resource, minutes(u.Expires)),
	}
}

// activeShifts lists the shifts that last, of one resource or of all.
func activeShifts(ctx context.Context, s *site, resource string) ([]types.ZonalShiftSummary, error) {
	in := &arczonalshift.ListZonalShiftsInput{Status: types.ZonalShiftStatusActive}
	if resource != "" {
		in.ResourceIdentifier = new(resource)
	}
	var out []types.ZonalShiftSummary
	for pages := arczonalshift.NewListZonalShiftsPaginator(s.zonalshift(), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing zonal shifts: %w", err)
		}
		out = append(out, page.Items...)
	}
	return out, nil
}

func ourShift(ctx context.Context, s *site, m mark, u shifted) (*types.ZonalShiftSummary, error) {
	all, err := activeShifts(ctx, s, u.Resource)
	for _, one := range all {
		if awssdk.ToString(one.Comment) == shiftComment(m) && awssdk.ToString(one.AwayFrom) == u.ZoneID {
			return &one, err
		}
	}
	return nil, err
}

func lookShift(ctx context.Context, s *site, m mark, u shifted) (view, error) {
	one, err := ourShift(ctx, s, m, u)
	if err != nil || one == nil {
		return is(before, "without a zonal shift of this fault"), err
	}
	return is(ours, "shifted away from %s until %s", u.ZoneID, awssdk.ToTime(one.ExpiryTime).UTC().Format(time.RFC3339)), nil
}

// renewShift moves the end of the shift. One that is gone is not started again.
func renewShift(ctx context.Context, s *site, m mark, u shifted) error {
	one, err := ourShift(ctx, s, m, u)
	if err != nil {
		return err
	}
	if one == nil {
		return errLapsed
	}
	_, err = s.zonalshift().UpdateZonalShift(ctx, &arczonalshift.UpdateZonalShiftInput{ZonalShiftId: one.ZonalShiftId, ExpiresIn: new(minutes(u.Expires))})
	return err
}

// findShifts finds shifts by their comments.
func findShifts(ctx context.Context, s *site) ([]leftover[shifted], error) {
	all, err := activeShifts(ctx, s, "")
	var out []leftover[shifted]
	for _, one := range all {
		f := strings.Fields(awssdk.ToString(one.Comment))
		if len(f) != 4 || f[0] != "gameday" {
			continue
		}
		u := shifted{awssdk.ToString(one.ResourceIdentifier), awssdk.ToString(one.AwayFrom), sdk.Span(3 * time.Minute)}
		out = append(out, leftover[shifted]{mark: mark{Handle: fromTag(f[3]), Run: fromTag(f[2]), Fault: f[1], Held: true}, item: shiftItem(u, resourceOf(u.Resource))})
	}
	return out, err
}
