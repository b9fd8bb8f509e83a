package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// fakeWorld has n things of one type; every fault can be prepared.
type fakeWorld struct {
	n        int
	problems []sdk.Problem
	seen     *json.RawMessage
}

func (w fakeWorld) Resolve(context.Context, string, string, sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	s := sdk.Selection{Population: w.n}
	for i := range w.n {
		s.Targets = append(s.Targets, sdk.Target{Type: "thing", ID: fmt.Sprint("id", i), Name: fmt.Sprint("t", i)})
	}
	return s, nil, nil
}

func (w fakeWorld) Prepare(_ context.Context, _, _ string, r sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	if w.seen != nil {
		*w.seen = r.Config
	}
	return sdk.Handle{Effects: []string{"breaks " + r.ID}, Steps: []string{"mend it"}}, w.problems, nil
}

func (w fakeWorld) Check(context.Context, string, string, sdk.Request) ([]sdk.Problem, error) {
	return nil, nil
}

func draft(change func(*Draft)) Draft {
	d := Draft{
		Scenario: Scenario{Name: "s"},
		Targets:  []TargetSet{{Addr: "target.thing.x", Type: "thing", OnEmpty: "fail"}},
		Faults:   []Fault{{Addr: "fault.f.x", Targets: []string{"target.thing.x"}, Hold: Duration(time.Minute)}},
		Guards:   []Guard{{Addr: "guard.g"}},
	}
	if change != nil {
		change(&d)
	}
	return d
}

func build(t *testing.T, w fakeWorld, change func(*Draft)) (*Plan, []Notice) {
	t.Helper()
	p, errs, err := Build(context.Background(), draft(change), 7, w)
	require.NoError(t, err)
	return p, errs
}

func TestEmptyTargetIsAnError(t *testing.T) {
	_, errs := build(t, fakeWorld{}, nil)
	require.Len(t, errs, 1)
	require.Equal(t, "No target matches", errs[0].Problem.Summary)

	p, errs := build(t, fakeWorld{}, func(d *Draft) { d.Targets[0].OnEmpty = "skip" })
	require.Empty(t, errs)
	require.NotEmpty(t, p.Faults[0].Skipped)
}

func TestPercentNeverRoundsUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 500).Draw(rt, "n")
		percent := rapid.Float64Range(0.01, 100).Draw(rt, "percent")
		p, errs := build(t, fakeWorld{n: n}, func(d *Draft) { d.Targets[0].Percent = percent })
		if len(errs) > 0 {
			require.Less(t, float64(n)*percent/100, 1.0)
			require.Contains(t, errs[0].Problem.Summary, "rounds down to no target")
			return
		}
		require.LessOrEqual(t, float64(len(p.Faults[0].Members)), float64(n)*percent/100+1e-6)
	})
}

func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		n     int
		limit Limit
		want  string
	}{
		"too many":               {3, Limit{MaxTargets: 2}, "max_targets is 2 and the plan touches 3: t0, t1, t2."},
		"percent exceeded":       {3, Limit{MaxPercent: 67}, "67 % of 3 thing is 2, and the plan touches 3."},
		"percent rounds to zero": {3, Limit{MaxPercent: 20}, "a limit is never rounded up"},
		"protected type":         {1, Limit{Protect: []string{"thing"}}, `thing/t0 is protected by "thing"`},
		"protected name":         {2, Limit{Protect: []string{"thing/t1"}}, `thing/t1 is protected by "thing/t1"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := build(t, fakeWorld{n: c.n}, func(d *Draft) { d.Limits = []Limit{c.limit} })
			if c.want == "" {
				require.Empty(t, errs)
				return
			}
			require.Len(t, errs, 1)
			require.Contains(t, errs[0].Problem.Detail, c.want)
		})
	}
}

func TestChoiceRepeatsForTheSameSeed(t *testing.T) {
	pick := func(seed int64) []sdk.Target {
		p, _, err := Build(context.Background(), draft(func(d *Draft) { d.Targets[0].Count = 3 }), seed, fakeWorld{n: 50})
		require.NoError(t, err)
		return p.Faults[0].Members
	}
	require.Equal(t, pick(1), pick(1))
	require.NotEqual(t, pick(1), pick(2))
	require.Len(t, pick(1), 3)
}

func TestWarnsWhenHoldIsTooShortToJudge(t *testing.T) {
	rto := Duration(55 * time.Second)
	p, _ := build(t, fakeWorld{n: 1}, func(d *Draft) {
		d.Objectives = []Objective{{Addr: "objective.o", RTO: &rto, StableFor: Duration(10 * time.Second)}}
	})
	require.Len(t, p.Warnings, 1)
	require.Contains(t, p.Warnings[0].Problem.Detail, "Set hold to at least 1m5s")
}

func TestMissingPermissionsAreListedApart(t *testing.T) {
	p, errs := build(t, fakeWorld{n: 1, problems: []sdk.Problem{{Severity: sdk.Error, Permission: "CAP_NET_ADMIN"}}}, nil)
	require.Empty(t, errs)
	require.Len(t, p.Permissions, 1)
}

func TestSecretsReachThePluginAndNotThePlan(t *testing.T) {
	var seen json.RawMessage
	p, _ := build(t, fakeWorld{n: 1, seen: &seen}, func(d *Draft) {
		ref := d.AddSecret("hunter2")
		d.Faults[0].Config, _ = json.Marshal(map[string]any{"token": ref, "nested": []string{ref}})
	})
	require.JSONEq(t, `{"token":"hunter2","nested":["hunter2"]}`, string(seen))
	b, err := json.Marshal(p)
	require.NoError(t, err)
	require.NotContains(t, string(b), "hunter2")
	require.Equal(t, "no (sensitive) here", Redact("no hunter2 here", p.Secrets))
}

func TestHashChangesWithTheWorld(t *testing.T) {
	a, _ := build(t, fakeWorld{n: 1}, nil)
	b, _ := build(t, fakeWorld{n: 2}, nil)
	again, _ := build(t, fakeWorld{n: 1}, nil)
	require.Equal(t, a.Hash(), again.Hash())
	require.NotEqual(t, a.Hash(), b.Hash())
}

func TestRedactionKeepsTheEntryWhole(t *testing.T) {
	var d Draft
	d.Hide("east")
	d.Hide("s p/c")
	entry := `{"addr":"fault.east","err":"east said s+p%2Fc and s%20p%2Fc","handle":{"undo":{"zone":"east"},"steps":["start east"]}}`
	require.JSONEq(t, `{"addr":"fault.east","err":"(sensitive) said (sensitive) and (sensitive)","handle":{"undo":{"zone":"east"},"steps":["start east"]}}`,
		string(RedactEntry([]byte(entry), d.Secrets)))
	require.Equal(t, `{"err":"west"}`, string(RedactEntry([]byte(`{"err":"west"}`), d.Secrets)))
	require.True(t, Mentions(json.RawMessage(`{"zone":"east"}`), d.Secrets))
}
