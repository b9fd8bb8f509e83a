package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// squeezed is a table whose throughput is clamped: what is provisioned, or the most that is allowed on demand. DynamoDB has no clock for
// that: when every process of ours dies at once it stays so until gameday recover, gameday sweep or a person.
type squeezed struct {
	Table    string     `json:"table"`
	OnDemand bool       `json:"on_demand,omitempty"`
	Before   throughput `json:"before"`
	Made     throughput `json:"made"`
}

// throughput is in capacity units, or in request units a second on demand, where unlimited is no limit.
type throughput struct {
	Read  int64 `json:"read"`
	Write int64 `json:"write"`
}

const unlimited = -1

// A table's throughput may go down four times on a day (UTC), and after that once in each hour without a decrease.
const (
	decreases      = 4
	decreasesPause = time.Hour
)

func tableCapacity() part {
	return newPart(kind[squeezed]{
		name: "aws_table_capacity", shelf: tableShelf(), slow: 15 * time.Minute, about: "arn:{partition}:dynamodb:{region}:{account}:table/*", of: "aws_table",
		attributes: []sdk.Attribute{
			{Name: "read", Type: sdk.Number, Doc: "The most read units that the table keeps. This or write is required."},
			{Name: "write", Type: sdk.Number, Doc: "The most write units that the table keeps."},
		},
		needs: append(reading("dynamodb:ListTables", "application-autoscaling:DescribeScalableTargets"), changing([]string{"{arn}"}, "dynamodb:DescribeTable", "dynamodb:UpdateTable")...),
		plan:  planCapacity, look: lookCapacity,
		inject: func(ctx context.Context, s *site, _ mark, u squeezed) error { return s.provide(ctx, u, u.Made) },
		revert: func(ctx context.Context, s *site, _ mark, u squeezed) error { return s.provide(ctx, u, u.Before) },
		remember: func(arn, note string) (item[squeezed], bool) {
			u := squeezed{Table: resourceOf(arn)}
			var mode string
			n, _ := fmt.Sscanf(note, "%1s:%d:%d:%d:%d", &mode, &u.Before.Read, &u.Before.Write, &u.Made.Read, &u.Made.Write)
			u.OnDemand = mode == "d"
			return u.item(arn), n == 5
		},
	})
}

// words say what a throughput is.
func (u squeezed) words(t throughput) string {
	if !u.OnDemand {
		return fmt.Sprintf("provisioned with %d read and %d write units", t.Read, t.Write)
	}
	most := func(n int64) string {
		if n == unlimited {
			return "any number of"
		}
		return fmt.Sprintf("at most %d", n)
	}
	return fmt.Sprintf("on demand with %s read and %s write units", most(t.Read), most(t.Write))
}

func (u squeezed) item(arn string) item[squeezed] {
	mode, option := "p", fmt.Sprintf("--provisioned-throughput ReadCapacityUnits=%d,WriteCapacityUnits=%d", u.Before.Read, u.Before.Write)
	if u.OnDemand {
		mode, option = "d", fmt.Sprintf("--on-demand-throughput MaxReadRequestUnits=%d,MaxWriteRequestUnits=%d", u.Before.Read, u.Before.Write)
	}
	return item[squeezed]{
		arn: arn, name: u.Table, before: u.words(u.Before), made: u.words(u.Made), undo: u,
		note:   fmt.Sprintf("%s:%d:%d:%d:%d", mode, u.Before.Read, u.Before.Write, u.Made.Read, u.Made.Write),
		effect: fmt.Sprintf("clamp the table %s: %s, now %s", u.Table, u.words(u.Made), u.words(u.Before)),
		byHand: fmt.Sprintf("aws dynamodb update-table --table-name %s %s", u.Table, option),
	}
}

// provide gives a table a throughput.
func (s *site) provide(ctx context.Context, u squeezed, t throughput) error {
	in := &dynamodb.UpdateTableInput{TableName: &u.Table}
	if u.OnDemand {
		in.OnDemandThroughput = &types.OnDemandThroughput{MaxReadRequestUnits: &t.Read, MaxWriteRequestUnits: &t.Write}
	} else {
		in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: &t.Read, WriteCapacityUnits: &t.Write}
	}
	_, err := s.dynamodb().UpdateTable(ctx, in)
	return err
}

// throughputOf reads the throughput of a table.
func throughputOf(t *types.TableDescription) (now throughput, onDemand bool) {
	if t.BillingModeSummary == nil || t.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
		if t.ProvisionedThroughput == nil {
			return now, false
		}
		return throughput{awssdk.ToInt64(t.ProvisionedThroughput.ReadCapacityUnits), awssdk.ToInt64(t.ProvisionedThroughput.WriteCapacityUnits)}, false
	}
	most := func(n *int64) int64 {
		if awssdk.ToInt64(n) <= 0 {
			return unlimited
		}
		return *n
	}
	if t.OnDemandThroughput == nil {
		return throughput{unlimited, unlimited}, true
	}
	return throughput{most(t.OnDemandThroughput.MaxReadRequestUnits), most(t.OnDemandThroughput.MaxWriteRequestUnits)}, true
}

func lookCapacity(ctx context.Context, s *site, _ mark, u squeezed) (view, error) {
	t, err := table(ctx, s, u.Table)
	switch {
	case missing(err):
		return is(gone, "AWS does not know it any more"), nil
	case err != nil:
		return view{}, err
	case t.TableStatus != types.TableStatusActive:
		return is(moving, "%s", t.TableStatus), nil
	}
	have, onDemand := throughputOf(t)
	if onDemand != u.OnDemand {
		return is(other, "%s", squeezed{OnDemand: onDemand}.words(have)), nil
	}
	return now("%s", u.words(have)), nil
}

func planCapacity(ctx context.Context, s *site, a ask) ([]item[squeezed], []sdk.Problem, error) {
	var c struct {
		Read  *int64 `json:"read"`
		Write *int64 `json:"write"`
	}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	for path, n := range map[string]*int64{"read": c.Read, "write": c.Write} {
		if n != nil && *n < 1 {
			return nil, []sdk.Problem{problem(path, "A table keeps at least 1 unit", "Write 1 or more.")}, nil
		}
	}
	if c.Read == nil && c.Write == nil {
		return nil, []sdk.Problem{problem("", "The fault clamps neither reads nor writes", "Set read, write or both.")}, nil
	}
	all, err := a.among(ctx, s, "aws_table", listTables)
	if err != nil {
		return nil, nil, err
	}
	var out []item[squeezed]
	var problems []sdk.Problem
	for _, r := range all {
		t, err := table(ctx, s, r.id)
		if err != nil {
			return nil, nil, err
		}
		u := squeezed{Table: r.id}
		u.Before, u.OnDemand = throughputOf(t)
		u.Made = throughput{lower(u.Before.Read, c.Read), lower(u.Before.Write, c.Write)}
		more, err := s.capacityProblems(ctx, t, u)
		if err != nil {
			return nil, nil, err
		}
		problems = append(problems, more...)
		if u.Made != u.Before {
			out = append(out, u.item(r.arn))
		}
	}
	return out, problems, nil
}

// lower clamps, and never raises.
func lower(have int64, to *int64) int64 {
	if to == nil || have != unlimited && have <= *to {
		return have
	}
	return *to
}

// capacityProblems says what stands against clamping a table, and what will come of it.
func (s *site) capacityProblems(ctx context.Context, t *types.TableDescription, u squeezed) ([]sdk.Problem, error) {
	if u.Made == u.Before {
		return []sdk.Problem{warning("targets", fmt.Sprintf("%s is %s, which is no more than the fault leaves it", u.Table, u.words(u.Before)), "It is left as it is.")}, nil
	}
	if t.TableStatus != types.TableStatusActive {
		return []sdk.Problem{problem("targets", fmt.Sprintf("%s is %s, and DynamoDB changes only what is ACTIVE", u.Table, t.TableStatus), "Wait until it is.")}, nil
	}
	var out []sdk.Problem
	if len(t.Replicas) > 0 {
		out = append(out, warning("targets", u.Table+" is a global table", "Its replicas in other regions take the write capacity over."))
	}
	if u.OnDemand {
		return out, nil
	}
	if p := decreaseProblem(t, u); p != nil {
		out = append(out, *p)
	}
	scaled, err := s.autoscaled(ctx, u.Table)
	return append(out, scaled...), err
}

// decreaseProblem tells how many decreases of today are used.
func decreaseProblem(t *types.TableDescription, u squeezed) *sdk.Problem {
	today, last := awssdk.ToInt64(t.ProvisionedThroughput.NumberOfDecreasesToday), awssdk.ToTime(t.ProvisionedThroughput.LastDecreaseDateTime)
	says := fmt.Sprintf("DynamoDB has lowered %s %d times today (UTC)", u.Table, today)
	rule := "It does so four times on a day, and then once in every hour without a decrease. The revert raises the capacity, which is not limited."
	if today >= decreases && time.Since(last) < decreasesPause {
		p := problem("targets", says+", the last time at "+last.UTC().Format(time.RFC3339)+", and refuses to do it again now", rule)
		return &p
	}
	if today > 0 {
		p := warning("targets", says, rule)
		return &p
	}
	return nil
}

// autoscaled warns of Application Auto Scaling, which would change the capacity of the table as well.
func (s *site) autoscaled(ctx context.Context, name string) ([]sdk.Problem, error) {
	out, err := applicationautoscaling.NewFromConfig(s.cfg).DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: scaling.ServiceNamespaceDynamodb, ResourceIds: []string{"table/" + name},
	})
	after := "It raises the capacity again within minutes, and the revert then calls that a conflict. Suspend it for as long as the fault is there: " +
		"aws application-autoscaling register-scalable-target --suspended-state, for each dimension of table/" + name + "."
	var answer *smithyhttp.ResponseError
	switch {
	case errors.As(err, &answer): // not allowed, or an endpoint that does not know the service
		return []sdk.Problem{warning("targets", fmt.Sprintf("Whether %s is scaled by Application Auto Scaling is not known: %s", name, codeOr(err)), after)}, nil
	case err != nil:
		return nil, fmt.Errorf("asking whether %s is scaled: %w", name, err)
	}
	if !slices.ContainsFunc(out.ScalableTargets, func(t scaling.ScalableTarget) bool {
		return t.SuspendedState == nil || !awssdk.ToBool(t.SuspendedState.DynamicScalingOutSuspended)
	}) {
		return nil, nil
	}
	return []sdk.Problem{warning("targets", name+" is scaled by Application Auto Scaling", after)}, nil
}
