package aws_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// names are the IDs of targets, as the last part of their ARNs.
func idsOf(targets []sdk.Target) (out []string) {
	for _, t := range targets {
		out = append(out, t.ID[strings.LastIndexAny(t.ID, "/:")+1:])
	}
	slices.Sort(out)
	return out
}

func TestSelectors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.requireTown(t)
	l := w.plugin(t, nil)
	zones := resolve(t, l, "aws_zone", fmt.Sprintf(`{"names":[%q]}`, w.zone("a")))
	require.Len(t, zones, 1)
	require.Equal(t, w.zone("a"), zones[0].Name)
	require.Equal(t, w.account, zones[0].Attrs["account"])
	require.Equal(t, w.region, zones[0].Attrs["region"])
	zoneID := zones[0].Attrs["zone_id"]
	require.NotEmpty(t, zoneID)
	byID := resolve(t, l, "aws_zone", fmt.Sprintf(`{"names":[%q]}`, zoneID))
	require.Equal(t, zones, byID, "a zone is found by its name and by its ID")

	g, err := w.groupNow(t.Context(), c.group.Name)
	require.NoError(t, err)
	var started []string
	for _, i := range g.Instances {
		started = append(started, *i.InstanceId)
	}
	slices.Sort(started)
	tag := fmt.Sprintf(`"tags":{"test":%q}`, w.mark)
	vpc := fmt.Sprintf(`"vpcs":[%q]`, c.vpc)
	for _, s := range []struct {
		typ, config string
		want        []string
	}{
		{"aws_subnet", `{` + vpc + `}`, c.subnets},
		{"aws_subnet", fmt.Sprintf(`{%s,"zones":[%q]}`, vpc, zoneID), c.subnets[:1]},
		{"aws_subnet", fmt.Sprintf(`{%s,"zones":[%q]}`, tag, w.zone("b")), c.subnets[1:]},
		{"aws_subnet", fmt.Sprintf(`{"ids":[%q]}`, w.arn("ec2", "subnet/"+c.subnets[0])), c.subnets[:1]},
		{"aws_instance", fmt.Sprintf(`{"ids":[%q]}`, c.instances[1]), c.instances[1:]},
		{"aws_instance", fmt.Sprintf(`{"groups":[%q]}`, c.group.Name), started},
		{"aws_auto_scaling_group", `{` + tag + `}`, []string{c.group.Name}},
		{"aws_auto_scaling_group", `{` + vpc + `}`, []string{c.group.Name}},
	} {
		got := resolve(t, l, s.typ, s.config)
		require.Equal(t, slices.Sorted(slices.Values(s.want)), idsOf(got), "%s %s", s.typ, s.config)
		for _, one := range got {
			require.Equal(t, w.account, one.Attrs["account"])
			require.Equal(t, w.region, one.Attrs["region"])
			require.True(t, strings.HasPrefix(one.ID, "arn:"), one.ID)
		}
	}
}

// With more than fits on one page of the answers.
func TestEveryPageIsReadAndCounted(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	_, subnet, err := w.network(t.Context(), w.zone("a"))
	require.NoError(t, err)
	var want []string
	for range 8 {
		id, err := w.instance(t.Context(), subnet)
		require.NoError(t, err)
		want = append(want, id)
	}
	require.NoError(t, w.terminate(t.Context(), want[7]))
	l := w.plugin(t, nil)
	sel, problems, err := l.Resolve(t.Context(), "aws_instance", sdk.Request{ID: "target.aws_instance.x", Config: []byte(`{"zones":["us-east-1a"]}`)})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Equal(t, 7, sel.Population, "the one that is terminated does not count")
	require.Equal(t, want[:7], idsOf(sel.Targets))
	again, _, err := l.Resolve(t.Context(), "aws_instance", sdk.Request{ID: "target.aws_instance.x", Config: []byte(`{"zones":["use1-az2"]}`)})
	require.NoError(t, err)
	require.Equal(t, sel, again, "the zone by its ID, in the same order")
}

func TestMistakesInATarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.plugin(t, nil)
	for _, c := range []struct{ typ, config, path string }{
		{"aws_instance", `{}`, ""},
		{"aws_instance", `{"ids":["i-0000000000000dead"]}`, "ids.0"},
		{"aws_zone", `{"names":["` + w.zone("a") + `","nowhere-1a"]}`, "names.1"},
		{"aws_auto_scaling_group", `{"names":["nobody"]}`, "names.0"},
	} {
		_, problems, err := l.Resolve(t.Context(), c.typ, sdk.Request{ID: "target." + c.typ + ".x", Config: []byte(c.config)})
		w.skipUnimplemented(t, err)
		require.NoError(t, err)
		require.NotEmpty(t, problems, c.config)
		require.Equal(t, c.path, strings.Join(problems[0].Path, "."))
	}
}
