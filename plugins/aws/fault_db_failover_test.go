package aws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// failoverCase looks for the mark and for the writer. Where it stays, the writer is no part of the snapshot.
func (w *world) failoverCase(config string, returns bool, make func(context.Context) (sdk.Target, error)) conformance.Case {
	return conformance.Case{
		Fault: "aws_db_failover", Name: config,
		Setup: func(ctx context.Context) (sdk.Request, error) {
			t, err := make(ctx)
			return sdk.Request{Targets: []sdk.Target{t}, Config: json.RawMessage(config)}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			place, status, err := w.writer(ctx, h.Targets[0])
			if err != nil {
				return false, err
			}
			marks, err := w.rdsMarks(ctx, h.Targets[0])
			return status == "available" && marks != "" && place != original(h), err
		},
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			marks, err := w.rdsMarks(ctx, req.Targets[0])
			if err != nil || !returns {
				return marks, err
			}
			place, status, err := w.writer(ctx, req.Targets[0])
			return fmt.Sprint(marks, place, status), err
		},
	}
}

// original is where the writer was by the plan.
func original(h sdk.Handle) string {
	var u struct {
		Changes []struct {
			Undo struct{ From string }
		}
	}
	must(json.Unmarshal(h.Undo, &u))
	return u.Changes[0].Undo.From
}

func (w *world) requireDBFailover(t *testing.T) {
	t.Helper()
	if elsewhere == "" {
		return
	}
	db, err := w.cluster(t.Context())
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	w.requireFailover(t, func(ctx context.Context) error {
		_, err := w.rds().FailoverDBCluster(ctx, &rds.FailoverDBClusterInput{DBClusterIdentifier: &db.Name, TargetDBInstanceIdentifier: new(db.Name + "-b")})
		return err
	}, func(ctx context.Context) (bool, error) {
		place, _, err := w.writer(ctx, db)
		return place == db.Name+"-b", err
	})
}

func TestDBFailoverConforms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config  string
		returns bool
		make    func(*world) func(context.Context) (sdk.Target, error)
	}{
		"a cluster stays":        {`{}`, false, func(w *world) func(context.Context) (sdk.Target, error) { return w.cluster }},
		"a cluster fails back":   {`{"failback":true}`, true, func(w *world) func(context.Context) (sdk.Target, error) { return w.cluster }},
		"an instance fails back": {`{"failback":true}`, true, func(w *world) func(context.Context) (sdk.Target, error) { return w.multiAZ }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.requireDBFailover(t)
			if w.fake != nil {
				w.fake.Take(40 * time.Millisecond)
			}
			conform(t, w, w.failoverCase(c.config, c.returns, c.make(w)))
		})
	}
}

func TestDBFailoverSaysWhereItGoes(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	db, err := w.cluster(t.Context())
	require.NoError(t, err)
	l := w.plugin(t, nil)

	h := planned(t, l, "aws_db_failover", "", db)
	require.Contains(t, h.Effects[1], fmt.Sprintf("from %s-a to %s-b; it stays there", db.Name, db.Name))
	h = planned(t, l, "aws_db_failover", fmt.Sprintf(`{"readers":["%s-c"],"failback":true}`, db.Name), db)
	require.Contains(t, h.Effects[1], fmt.Sprintf("from %s-a to %s-c; at the end it fails back", db.Name, db.Name))
	require.NoError(t, l.Inject(t.Context(), h))
	state := requireStatus(t, l, h, sdk.Active)
	require.Contains(t, state.Evidence, "the writer "+db.Name+"-c")
	require.NoError(t, l.Revert(t.Context(), h))
	place, _, err := w.writer(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, db.Name+"-a", place)

	_, problems := prepare(t, l, "aws_db_failover", `{"readers":["somebody-else"]}`, db)
	require.Contains(t, problems[0].Summary, "has none of the readers")
	w.requireNothingLeft(t)
}

// A zone is left by what has its writer there, for a reader that is not there.
func TestDBFailoverOfAZone(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	ctx := t.Context()
	db, err := w.cluster(ctx)
	require.NoError(t, err)
	multi, err := w.multiAZ(ctx)
	require.NoError(t, err)
	single := "single"
	require.NoError(t, w.database(ctx, &rds.CreateDBInstanceInput{DBInstanceIdentifier: &single}))
	l := w.plugin(t, nil)

	h, problems := prepare(t, l, "aws_db_failover", "", resolve(t, l, "aws_zone", `{"names":["us-east-1a"]}`)...)
	require.False(t, sdk.HasErrors(problems))
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Summary, "single is in a single zone")
	require.Len(t, h.Effects, 3)
	require.NoError(t, l.Inject(ctx, h))
	for _, target := range []sdk.Target{db, multi} {
		place, _, err := w.writer(ctx, target)
		require.NoError(t, err)
		require.NotContains(t, []string{"us-east-1a", db.Name + "-a"}, place)
	}
	require.NoError(t, l.Revert(ctx, h))
	_, problems = prepare(t, l, "aws_db_failover", "", w.target("aws_db_instance", w.arn("rds", "db:single"), single))
	require.True(t, sdk.HasErrors(problems))
	_, problems = prepare(t, l, "aws_db_failover", "", w.target("aws_db_instance", w.arn("rds", "db:"+db.Name+"-a"), db.Name+"-a"))
	require.Contains(t, problems[0].Summary, "use a target aws_db_cluster")
	w.requireNothingLeft(t)
}

// Somebody who fails over meanwhile has the last word, where the fault was to bring the writer back.
func TestDBFailoverConflict(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	db, err := w.cluster(t.Context())
	require.NoError(t, err)
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_db_failover", `{"failback":true}`, db)
	_, err = w.rds().FailoverDBCluster(t.Context(), &rds.FailoverDBClusterInput{DBClusterIdentifier: &db.Name, TargetDBInstanceIdentifier: new(db.Name + "-c")})
	require.NoError(t, err)
	err = l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "conflict")
	require.ErrorContains(t, err, db.Name+"-c")
	place, _, err := w.writer(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, db.Name+"-c", place)
}

// What AWS does to a failover in a bad moment, and what then is left.
func TestDBFailoverInBadMoments(t *testing.T) {
	t.Parallel()
	for name, hinder := range map[string]func(*awsfake.Server){
		"throttled":  func(f *awsfake.Server) { f.Throttle("rds:FailoverDBCluster", 2) },
		"lag":        func(f *awsfake.Server) { f.Lag(100 * time.Millisecond) },
		"slow":       func(f *awsfake.Server) { f.Take(300 * time.Millisecond) },
		"tags first": func(f *awsfake.Server) { f.Throttle("rds:AddTagsToResource", 2) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fakeOnly(t)
			db, err := w.cluster(t.Context())
			require.NoError(t, err)
			l := w.plugin(t, nil)
			h := planned(t, l, "aws_db_failover", `{"failback":true}`, db)
			hinder(w.fake)
			require.NoError(t, l.Inject(t.Context(), h))
			requireStatus(t, l, h, sdk.Active)
			require.NoError(t, l.Revert(t.Context(), h))
			w.fake.Lag(0)
			requireStatus(t, l, h, sdk.Inactive)
			w.requireNothingLeft(t)
		})
	}
}

func TestDBFailoverDeniedHalfWay(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	db, err := w.cluster(t.Context())
	require.NoError(t, err)
	l := w.plugin(t, nil)
	h := planned(t, l, "aws_db_failover", "", db)
	w.fake.Deny("rds:FailoverDBCluster")
	require.ErrorContains(t, l.Inject(t.Context(), h), "may not do rds:FailoverDBCluster")
	require.NoError(t, l.Revert(t.Context(), h))
	w.requireNothingLeft(t)

	_, problems := prepare(t, l, "aws_db_failover", "", db)
	require.Equal(t, "rds:FailoverDBCluster", problems[0].Permission)
	w.fake.Allow()
	h = injected(t, l, "aws_db_failover", "", db)
	w.fake.Expire(true)
	require.ErrorContains(t, l.Revert(t.Context(), h), "expired")
	w.fake.Expire(false)
	require.NoError(t, l.Revert(t.Context(), h))
	w.requireNothingLeft(t)
}
