package aws_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

func TestCacheFailoverConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if elsewhere != "" {
		g, err := w.cacheGroup(t.Context(), 1)
		w.skipUnimplemented(t, err)
		require.NoError(t, err)
		_, was, err := w.cachePrimary(t.Context(), g.Name)
		require.NoError(t, err)
		w.requireFailover(t, func(ctx context.Context) error {
			_, err := w.cache().TestFailover(ctx, &elasticache.TestFailoverInput{ReplicationGroupId: &g.Name, NodeGroupId: new("0001")})
			return err
		}, func(ctx context.Context) (bool, error) {
			_, now, err := w.cachePrimary(ctx, g.Name)
			return now != was, err
		})
	} else {
		w.fake.Take(40 * time.Millisecond)
	}
	conform(t, w, conformance.Case{
		Fault: "aws_cache_failover",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			g, err := w.cacheGroup(ctx, 1)
			return sdk.Request{Targets: []sdk.Target{g}}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			marks, err := w.cacheMarks(ctx, h.Targets[0])
			if err != nil {
				return false, err
			}
			_, primary, err := w.cachePrimary(ctx, h.Targets[0].Name)
			return marks != "" && primary != original(h), err
		},
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) { return w.cacheMarks(ctx, req.Targets[0]) },
	})
}

// In cluster mode ElastiCache does not say who is the primary: an event is the proof.
func TestCacheFailoverInClusterMode(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	w.fake.Take(50 * time.Millisecond)
	g, err := w.cacheGroup(t.Context(), 2)
	require.NoError(t, err)
	l := w.plugin(t, nil)
	_, problems := prepare(t, l, "aws_cache_failover", "", g)
	require.Contains(t, problems[0].Summary, "say which with node_group")

	for range 2 { // the event of the first time proves nothing about the second
		h := planned(t, l, "aws_cache_failover", `{"node_group":"0002"}`, g)
		requireStatus(t, l, h, sdk.Inactive)
		require.NoError(t, l.Inject(t.Context(), h))
		require.Contains(t, requireStatus(t, l, h, sdk.Active).Evidence, "Failover from primary node "+g.Name+"-0002-")
		require.NoError(t, l.Revert(t.Context(), h))
		requireStatus(t, l, h, sdk.Inactive)
	}
	w.requireNothingLeft(t)
}

// What is left of a failover can be found and ended without a journal.
func TestFailoversAreSwept(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	g, err := w.cacheGroup(t.Context(), 1)
	require.NoError(t, err)
	db, err := w.cluster(t.Context())
	require.NoError(t, err)
	l := w.plugin(t, nil)
	injected(t, l, "aws_cache_failover", "", g)
	injected(t, l, "aws_db_failover", `{"failback":true}`, db)

	fresh := w.plugin(t, nil)
	left, err := fresh.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, left, 2)
	for _, h := range left {
		raw, err := json.Marshal(h)
		require.NoError(t, err)
		require.NotEmpty(t, h.Steps, string(raw))
		require.NoError(t, fresh.Revert(t.Context(), h))
	}
	place, _, err := w.writer(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, db.Name+"-a", place, "the note on the cluster says that it fails back, and whereto")
	w.requireNothingLeft(t)
}

func TestCacheFailoverRefusals(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	_, err := w.cache().CreateReplicationGroup(t.Context(), &elasticache.CreateReplicationGroupInput{
		ReplicationGroupId: new("alone"), ReplicationGroupDescription: new("x"), NumCacheClusters: new(int32(1)),
	})
	require.NoError(t, err)
	l := w.plugin(t, nil)
	targets := resolve(t, l, "aws_cache_group", `{"ids":["alone"]}`)
	_, problems := prepare(t, l, "aws_cache_failover", "", targets...)
	require.Contains(t, problems[0].Summary, "does not fail over automatically")

	g, err := w.cacheGroup(t.Context(), 1)
	require.NoError(t, err)
	h := planned(t, l, "aws_cache_failover", "", g)
	w.fake.Deny("elasticache:TestFailover")
	require.ErrorContains(t, l.Inject(t.Context(), h), "may not do elasticache:TestFailover")
	require.NoError(t, l.Revert(t.Context(), h))
	w.fake.Allow()
	w.fake.Throttle("elasticache:TestFailover", 2)
	require.NoError(t, l.Inject(t.Context(), h))
	require.NoError(t, l.Revert(t.Context(), h))
	w.requireNothingLeft(t)
}
