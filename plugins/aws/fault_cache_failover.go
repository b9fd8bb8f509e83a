package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// cacheOver is a node group whose primary is made to fail. ElastiCache promotes a replica and replaces the node. Nothing undoes
// that: the new primary stays. When every process of ours dies at once, AWS still ends what it has begun.
type cacheOver struct {
	Group     string `json:"group"`
	NodeGroup string `json:"node_group"`
	// From is the primary. In cluster mode AWS does not say which node that is, and an event after Last is the proof.
	From string    `json:"from,omitempty"`
	Last time.Time `json:"last,omitzero"`
}

func cacheFailover() part {
	return newPart(kind[cacheOver]{
		name: "aws_cache_failover", shelf: cacheShelf(), slow: cacheSlow, once: true,
		about: "arn:{partition}:elasticache:{region}:{account}:replicationgroup:*", of: "aws_cache_group",
		attributes: []sdk.Attribute{
			{Name: "node_group", Type: sdk.String, Doc: "The node group (shard), such as 0001. Required where there are several."},
		},
		needs: slices.Concat(reading("elasticache:DescribeReplicationGroups", "elasticache:DescribeCacheClusters", "elasticache:DescribeCacheSubnetGroups", "elasticache:DescribeEvents", "ec2:DescribeAvailabilityZones"),
			changing([]string{"{arn}"}, "elasticache:TestFailover")),
		plan: planCacheFailover, look: lookCacheFailover,
		inject: func(ctx context.Context, s *site, _ mark, u cacheOver) error {
			_, err := s.elasticache().TestFailover(ctx, &elasticache.TestFailoverInput{ReplicationGroupId: &u.Group, NodeGroupId: &u.NodeGroup})
			return err
		},
		revert: func(context.Context, *site, mark, cacheOver) error { return nil },
		remember: func(arn, note string) (item[cacheOver], bool) {
			shard, from, ok := strings.Cut(note, ":")
			return cacheOver{Group: resourceOf(arn), NodeGroup: shard, From: from}.item(arn), ok
		},
	})
}

func (u cacheOver) item(arn string) item[cacheOver] {
	primary := u.From
	if primary == "" {
		primary = "whichever node is the primary"
	}
	return item[cacheOver]{
		arn: arn, name: u.Group + " node group " + u.NodeGroup, before: u.at(primary), made: "available with another primary",
		note: u.NodeGroup + ":" + u.From, undo: u,
		effect: fmt.Sprintf("fail node group %s of %s over from %s to a replica; the primary stays there", u.NodeGroup, u.Group, primary),
		byHand: fmt.Sprintf("to fail over once more: aws elasticache test-failover --replication-group-id %s --node-group-id %s", u.Group, u.NodeGroup),
	}
}

func (u cacheOver) at(primary string) string { return "available with the primary " + primary }

func lookCacheFailover(ctx context.Context, s *site, m mark, u cacheOver) (view, error) {
	g, err := cacheGroup(ctx, s, u.Group)
	if missing(err) {
		return is(gone, "AWS does not know it any more"), nil
	}
	if err != nil {
		return view{}, err
	}
	n, ok := nodeGroup(g, u.NodeGroup)
	if !ok {
		return is(gone, "it has no node group %s any more", u.NodeGroup), nil
	}
	if status := awssdk.ToString(g.Status); status != "available" {
		return is(moving, "%s", status), nil
	}
	if u.From == "" {
		return u.byEvent(ctx, s, m)
	}
	primary, ok := primaryOf(n)
	id := awssdk.ToString(primary.CacheClusterId)
	switch {
	case !ok:
		return is(moving, "without a primary"), nil
	case id == u.From:
		return is(before, "%s", u.at(id)), nil
	case m.Held:
		return is(ours, "%s in %s", u.at(id), awssdk.ToString(primary.PreferredAvailabilityZone)), nil
	}
	return is(other, "%s", u.at(id)), nil
}

// byEvent takes the word of ElastiCache's events that the node group has failed over.
func (u cacheOver) byEvent(ctx context.Context, s *site, m mark) (view, error) {
	last, text, err := u.lastFailover(ctx, s)
	switch {
	case err != nil:
		return view{}, err
	case !last.After(u.Last):
		return is(before, "available, without a failover of node group %s since the plan was made", u.NodeGroup), nil
	case m.Held:
		return is(ours, "available, and an event says: %s", text), nil
	}
	return is(other, "available, and an event says: %s", text), nil
}

// eventsKept is how far back events are looked for, in minutes.
const eventsKept = 24 * 60

// lastFailover is the last event that tells of a failover of the node group that has come to its end.
func (u cacheOver) lastFailover(ctx context.Context, s *site) (at time.Time, text string, err error) {
	in := &elasticache.DescribeEventsInput{SourceType: types.SourceTypeReplicationGroup, SourceIdentifier: &u.Group, Duration: new(int32(eventsKept))}
	for pages := elasticache.NewDescribeEventsPaginator(s.elasticache(), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return at, "", fmt.Errorf("reading the events of %s: %w", u.Group, err)
		}
		for _, e := range page.Events {
			says := awssdk.ToString(e.Message)
			over := strings.HasPrefix(says, "Failover from primary node "+u.Group+"-"+u.NodeGroup+"-") && strings.HasSuffix(says, "completed")
			if over && awssdk.ToTime(e.Date).After(at) {
				at, text = awssdk.ToTime(e.Date), says
			}
		}
	}
	return at, text, nil
}

func nodeGroup(g types.ReplicationGroup, id string) (types.NodeGroup, bool) {
	i := slices.IndexFunc(g.NodeGroups, func(n types.NodeGroup) bool { return awssdk.ToString(n.NodeGroupId) == id })
	if i < 0 {
		return types.NodeGroup{}, false
	}
	return g.NodeGroups[i], true
}

func planCacheFailover(ctx context.Context, s *site, a ask) ([]item[cacheOver], []sdk.Problem, error) {
	var c struct {
		NodeGroup string `json:"node_group"`
	}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	all, err := a.among(ctx, s, "aws_cache_group", listCacheGroups)
	if err != nil {
		return nil, nil, err
	}
	var out []item[cacheOver]
	var problems []sdk.Problem
	for _, r := range all {
		u, why, err := planCacheGroup(ctx, s, r.id, c.NodeGroup)
		if err != nil {
			return nil, nil, err
		}
		if why != "" {
			problems = append(problems, a.cannot(r.name+" "+why, "Choose another replication group, or change it."))
			continue
		}
		out = append(out, u.item(r.arn))
	}
	return out, problems, nil
}

// planCacheGroup says why a group cannot fail over, if it cannot.
func planCacheGroup(ctx context.Context, s *site, id, wanted string) (u cacheOver, why string, err error) {
	g, err := cacheGroup(ctx, s, id)
	if err != nil {
		return u, "", err
	}
	if wanted == "" && len(g.NodeGroups) == 1 {
		wanted = awssdk.ToString(g.NodeGroups[0].NodeGroupId)
	}
	n, ok := nodeGroup(g, wanted)
	switch {
	case awssdk.ToString(g.Status) != "available":
		return u, fmt.Sprintf("is %s, and ElastiCache fails over only what is available", awssdk.ToString(g.Status)), nil
	case g.AutomaticFailover != types.AutomaticFailoverStatusEnabled:
		return u, "does not fail over automatically: enable automatic failover", nil
	case wanted == "":
		return u, fmt.Sprintf("has %d node groups: say which with node_group", len(g.NodeGroups)), nil
	case !ok:
		return u, fmt.Sprintf("has no node group %q", wanted), nil
	case len(n.NodeGroupMembers) < 2:
		return u, "has no replica in the node group " + wanted, nil
	}
	u = cacheOver{Group: id, NodeGroup: wanted}
	if p, ok := primaryOf(n); ok {
		u.From = awssdk.ToString(p.CacheClusterId)
		return u, "", nil
	}
	u.Last, _, err = u.lastFailover(ctx, s)
	return u, "", err
}
