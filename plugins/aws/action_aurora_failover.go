package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// globalFailover is what the block says.
type globalFailover struct {
	Global        string `json:"global_cluster"`
	To            string `json:"to"`
	Mode          string `json:"mode"`
	AllowDataLoss bool   `json:"allow_data_loss"`
}

func auroraFailover() step {
	on := []string{"arn:{partition}:rds::{account}:global-cluster:*", "arn:{partition}:rds:*:{account}:cluster:*"}
	return step{
		name: "aws_aurora_global_failover",
		doc: "Makes another region's cluster the writer of an Aurora global database, and returns when it is. A switchover waits until that region has everything, and loses nothing; " +
			"it needs the region that is left to be well. A failover does not, and loses what was not replicated. Undo it with the region that wrote before, by a switchover.",
		attributes: []sdk.Attribute{
			{Name: "global_cluster", Type: sdk.String, Required: true, Doc: "The identifier of the global database."},
			{Name: "to", Type: sdk.String, Required: true, Doc: "The region that is to write, or the ARN of its cluster."},
			{Name: "mode", Type: sdk.String, Default: "switchover", OneOf: []string{"switchover", "failover"}, Doc: "switchover loses nothing; failover is for a region that is lost."},
			{Name: "allow_data_loss", Type: sdk.Bool, Default: false, Doc: "Must be true for a failover: what is not replicated is lost."},
		},
		needs: append(reading("rds:DescribeGlobalClusters"), changing(on, "rds:SwitchoverGlobalCluster", "rds:FailoverGlobalCluster")...),
		check: func(ctx context.Context, s *site, req sdk.Request) ([]sdk.Problem, error) {
			c, g, p, err := readGlobal(ctx, s, req)
			if err != nil || p != nil {
				return asProblems(p), err
			}
			if _, p := c.member(g); p != nil {
				return asProblems(p), nil
			}
			return nil, nil
		},
		run: runGlobalFailover,
	}
}

func readGlobal(ctx context.Context, s *site, req sdk.Request) (c globalFailover, g types.GlobalCluster, p *sdk.Problem, err error) {
	c.Mode = "switchover"
	if err := req.Decode(&c); err != nil {
		return c, g, nil, err
	}
	if (c.Mode == "failover") != c.AllowDataLoss {
		bad := problem("allow_data_loss", "A failover loses what was not replicated, and a switchover loses nothing", `Write mode = "failover" and allow_data_loss = true, or neither.`)
		return c, g, &bad, nil
	}
	g, err = s.globalCluster(ctx, c.Global)
	if missing(err) {
		bad := problem("global_cluster", fmt.Sprintf("There is no global database %s in account %s", c.Global, s.account), "See aws rds describe-global-clusters.")
		return c, g, &bad, nil
	}
	return c, g, nil, err
}

func (s *site) globalCluster(ctx context.Context, id string) (types.GlobalCluster, error) {
	out, err := s.rds().DescribeGlobalClusters(ctx, &rds.DescribeGlobalClustersInput{GlobalClusterIdentifier: new(id)})
	if err != nil {
		return types.GlobalCluster{}, fmt.Errorf("reading the global database %s: %w", id, err)
	}
	if len(out.GlobalClusters) != 1 {
		return types.GlobalCluster{}, fmt.Errorf("reading the global database %s: AWS shows %d", id, len(out.GlobalClusters))
	}
	return out.GlobalClusters[0], nil
}

// member finds the cluster that is to write.
func (c globalFailover) member(g types.GlobalCluster) (types.GlobalClusterMember, *sdk.Problem) {
	var regions []string
	for _, m := range g.GlobalClusterMembers {
		id := awssdk.ToString(m.DBClusterArn)
		region := regionOf(id)
		if c.To == id || c.To == region {
			return m, nil
		}
		regions = append(regions, region)
	}
	p := problem("to", fmt.Sprintf("The global database %s has no cluster in %s", c.Global, c.To), "It has them in "+cmp.Or(strings.Join(regions, ", "), "no region")+".")
	return types.GlobalClusterMember{}, &p
}

func regionOf(id string) string {
	a, err := arn.Parse(id)
	if err != nil {
		return ""
	}
	return a.Region
}

// runGlobalFailover asks in the region that is to write: the other one may be what is lost.
func runGlobalFailover(ctx context.Context, s *site, req sdk.Request) (string, error) {
	var c globalFailover
	c.Mode = "switchover"
	if err := req.Decode(&c); err != nil {
		return "", err
	}
	to, err := s.site(ctx, cmp.Or(regionOf(c.To), c.To))
	if err != nil {
		return "", err
	}
	c, g, p, err := readGlobal(ctx, to, req)
	if err != nil {
		return "", err
	}
	m := types.GlobalClusterMember{}
	if p == nil {
		m, p = c.member(g)
	}
	if p != nil {
		return "", fmt.Errorf("%s: %s", p.Summary, p.Detail)
	}
	if awssdk.ToBool(m.IsWriter) {
		return fmt.Sprintf("%s writes for %s already", regionOf(*m.DBClusterArn), c.Global), nil
	}
	from := globalWriter(g)
	began := time.Now()
	if err := c.begin(ctx, to, *m.DBClusterArn); err != nil {
		return "", fmt.Errorf("%s of %s to %s: %w", c.Mode, c.Global, c.To, err)
	}
	if err := c.await(ctx, to, *m.DBClusterArn); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s of %s: %s writes instead of %s, after %v", c.Mode, c.Global, regionOf(*m.DBClusterArn), cmp.Or(regionOf(from), "no region"), time.Since(began).Round(time.Second)), nil
}

func globalWriter(g types.GlobalCluster) string {
	i := slices.IndexFunc(g.GlobalClusterMembers, func(m types.GlobalClusterMember) bool { return awssdk.ToBool(m.IsWriter) })
	if i < 0 {
		return ""
	}
	return awssdk.ToString(g.GlobalClusterMembers[i].DBClusterArn)
}

func (c globalFailover) begin(ctx context.Context, s *site, to string) error {
	if c.Mode == "failover" {
		_, err := s.rds().FailoverGlobalCluster(ctx, &rds.FailoverGlobalClusterInput{GlobalClusterIdentifier: new(c.Global), TargetDbClusterIdentifier: new(to), AllowDataLoss: new(true)})
		return err
	}
	_, err := s.rds().SwitchoverGlobalCluster(ctx, &rds.SwitchoverGlobalClusterInput{GlobalClusterIdentifier: new(c.Global), TargetDbClusterIdentifier: new(to)})
	return err
}

// await waits until the cluster writes and AWS has nothing more to do. AWS goes on by itself when time is out.
func (c globalFailover) await(ctx context.Context, s *site, to string) error {
	var last types.GlobalCluster
	err := poll(ctx, time.Hour, regionOf(to)+" to write for "+c.Global, func(ctx context.Context) (bool, error) {
		var err error
		last, err = s.globalCluster(ctx, c.Global)
		busy := last.FailoverState != nil && last.FailoverState.Status != ""
		return err == nil && globalWriter(last) == to && !busy && awssdk.ToString(last.Status) == "available", err
	})
	if err != nil {
		return fmt.Errorf("%w (the global database is %s, %s writes; AWS goes on with what was asked of it)", err, awssdk.ToString(last.Status), cmp.Or(globalWriter(last), "nobody"))
	}
	return nil
}
