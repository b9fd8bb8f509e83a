package aws

import (
	"context"
	"fmt"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// inverted is a health check that says the opposite of what it finds. Route 53 has no clock for that: when every process of ours
// dies at once it goes on so until gameday recover or gameday sweep.
type inverted struct {
	ID string `json:"id"`
	// Was says whether it was inverted before.
	Was bool `json:"was,omitempty"`
}

func healthCheckInverted() fault {
	return single(healthCheckPart(), "Inverts health checks of Route 53: what is healthy counts as unhealthy, so that DNS fails over. If every process of gameday dies at once they stay inverted, until gameday recover or gameday sweep.",
		"aws_health_check")
}

func healthCheckPart() part {
	return newPart(kind[inverted]{
		name: "aws_health_check_inverted", shelf: healthCheckShelf(), slow: 2 * time.Minute, global: true, about: "arn:{partition}:route53:::healthcheck/*",
		needs: append(reading("route53:ListTagsForResources"), changing([]string{"{arn}"}, "route53:GetHealthCheck", "route53:UpdateHealthCheck")...),
		plan: func(ctx context.Context, s *site, a ask) ([]item[inverted], []sdk.Problem, error) {
			c, err := s.healthCheck(ctx, resourceOf(a.target.ID))
			if err != nil {
				return nil, nil, err
			}
			if c.LinkedService != nil {
				return nil, []sdk.Problem{problem("targets", fmt.Sprintf("%s belongs to %s, which alone may change it", a.target.Name, awssdk.ToString(c.LinkedService.ServicePrincipal)), "Choose another health check.")}, nil
			}
			u := inverted{ID: awssdk.ToString(c.Id), Was: awssdk.ToBool(c.HealthCheckConfig.Inverted)}
			return []item[inverted]{invertedItem(u, a.target.ID, a.target.Name)}, nil, nil
		},
		look: func(ctx context.Context, s *site, _ mark, u inverted) (view, error) {
			c, err := s.healthCheck(ctx, u.ID)
			if missing(err) {
				return is(gone, "Route 53 does not know it any more"), nil
			}
			if err != nil {
				return view{}, err
			}
			return now("%s", invertedWords(awssdk.ToBool(c.HealthCheckConfig.Inverted))), nil
		},
		inject: func(ctx context.Context, s *site, _ mark, u inverted) error { return s.invert(ctx, u.ID, !u.Was) },
		revert: func(ctx context.Context, s *site, _ mark, u inverted) error { return s.invert(ctx, u.ID, u.Was) },
		remember: func(arn, note string) (item[inverted], bool) {
			u := inverted{ID: resourceOf(arn), Was: note == invertedWords(true)}
			return invertedItem(u, arn, u.ID), note == invertedWords(u.Was)
		},
	})
}

func invertedWords(yes bool) string {
	return map[bool]string{true: "inverted", false: "as it finds"}[yes]
}

func invertedItem(u inverted, arn, name string) item[inverted] {
	flag := map[bool]string{true: "--inverted", false: "--no-inverted"}[u.Was]
	return item[inverted]{
		arn: arn, name: name, before: invertedWords(u.Was), made: invertedWords(!u.Was), note: invertedWords(u.Was), undo: u,
		effect: fmt.Sprintf("the health check %s reports %s instead of %s", name, invertedWords(!u.Was), invertedWords(u.Was)),
		byHand: fmt.Sprintf("aws route53 update-health-check --health-check-id %s %s", u.ID, flag),
	}
}

func (s *site) healthCheck(ctx context.Context, id string) (types.HealthCheck, error) {
	out, err := s.route53().GetHealthCheck(ctx, &route53.GetHealthCheckInput{HealthCheckId: new(id)})
	if err != nil {
		return types.HealthCheck{}, fmt.Errorf("reading the health check %s: %w", id, err)
	}
	return *out.HealthCheck, nil
}

// invert changes the one field, and only if nobody has changed anything since the check was read.
func (s *site) invert(ctx context.Context, id string, to bool) error {
	c, err := s.healthCheck(ctx, id)
	if err != nil {
		return err
	}
	_, err = s.route53().UpdateHealthCheck(ctx, &route53.UpdateHealthCheckInput{HealthCheckId: new(id), HealthCheckVersion: c.HealthCheckVersion, Inverted: new(to)})
	return err
}
