package aws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/fis"
	"github.com/aws/aws-sdk-go-v2/service/fis/types"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

func (w *world) fis() *fis.Client { return fis.NewFromConfig(w.cfg) }

// experimentTemplate has one action that lasts.
func (w *world) experimentTemplate(ctx context.Context, lasts string, stops ...string) (string, error) {
	in := &fis.CreateExperimentTemplateInput{
		ClientToken: new(fmt.Sprintf("%s-%d", w.mark, serial.Add(1))), Description: new("a test of gameday"), RoleArn: new("arn:aws:iam::" + w.account + ":role/fis"),
		Actions: map[string]types.CreateExperimentTemplateActionInput{
			"throttle": {ActionId: new("aws:fis:inject-api-throttle-error"), Targets: map[string]string{"Roles": "app"},
				Parameters: map[string]string{"duration": lasts, "service": "ec2", "operations": "RunInstances", "percentage": "100"}},
		},
		Targets: map[string]types.CreateExperimentTemplateTargetInput{
			"app": {ResourceType: new("aws:iam:role"), SelectionMode: new("ALL"), ResourceArns: []string{"arn:aws:iam::" + w.account + ":role/app"}},
		},
	}
	for _, arn := range stops {
		in.StopConditions = append(in.StopConditions, types.CreateExperimentTemplateStopConditionInput{Source: new("aws:cloudwatch:alarm"), Value: &arn})
	}
	if len(stops) == 0 {
		in.StopConditions = []types.CreateExperimentTemplateStopConditionInput{{Source: new("none")}}
	}
	out, err := w.fis().CreateExperimentTemplate(ctx, in)
	if err != nil {
		return "", err
	}
	id := *out.ExperimentTemplate.Id
	w.later(func(ctx context.Context) error {
		_, err := w.fis().DeleteExperimentTemplate(ctx, &fis.DeleteExperimentTemplateInput{Id: &id})
		return err
	})
	return id, nil
}

// running are the experiments of a template that run.
func (w *world) running(ctx context.Context, template string) (int, error) {
	out, err := w.fis().ListExperiments(ctx, &fis.ListExperimentsInput{ExperimentTemplateId: &template})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, e := range out.Experiments {
		if e.State.Status == types.ExperimentStatusRunning || e.State.Status == types.ExperimentStatusInitiating {
			n++
		}
	}
	return n, nil
}

func templateOf(config json.RawMessage) string {
	var c struct {
		ID string `json:"template_id"`
	}
	must(json.Unmarshal(config, &c))
	return c.ID
}

func TestFISExperimentConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, conformance.Case{
		Fault: "aws_fis_experiment",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			id, err := w.experimentTemplate(ctx, "PT10M")
			return sdk.Request{Config: json.RawMessage(fmt.Sprintf(`{"template_id":%q}`, id))}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			var u struct{ Changes []struct{ Name string } }
			if err := json.Unmarshal(h.Undo, &u); err != nil {
				return false, err
			}
			n, err := w.running(ctx, u.Changes[0].Name)
			if err != nil || n == 0 {
				return false, err
			}
			return true, nil
		},
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			n, err := w.running(ctx, templateOf(req.Config))
			return fmt.Sprint(n), err
		},
		Exclusive: true,
	})
}

func TestFISExperimentThatEndsByItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lasts string
		ends  func(*world)
		says  string
	}{
		"by its own clock":    {"PT2S", func(*world) {}, "completed"},
		"by a stop condition": {"PT10M", func(w *world) { w.fake.StopByCondition("us-east-1", "too-many-errors") }, "Stop condition too-many-errors was triggered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fakeOnly(t)
			id, err := w.experimentTemplate(t.Context(), c.lasts, "arn:aws:cloudwatch:us-east-1:123456789012:alarm:too-many-errors")
			require.NoError(t, err)
			l := w.plugin(t, nil)
			h := injected(t, l, "aws_fis_experiment", fmt.Sprintf(`{"template_id":%q}`, id))
			c.ends(w)
			var last sdk.State
			require.Eventually(t, func() bool {
				last, err = l.Inspect(t.Context(), h)
				return err == nil && last.Status == sdk.Inactive
			}, 20*time.Second, 50*time.Millisecond)
			require.Contains(t, last.Evidence, c.says)
			require.NoError(t, l.Revert(t.Context(), h))
		})
	}
}

func TestFISExperimentWaitsForTheRollback(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	id, err := w.experimentTemplate(t.Context(), "PT10M")
	require.NoError(t, err)
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_fis_experiment", fmt.Sprintf(`{"template_id":%q}`, id))
	w.fake.Take(time.Second)
	began := time.Now()
	require.NoError(t, l.Revert(t.Context(), h))
	require.Greater(t, time.Since(began), time.Second)
	state := requireStatus(t, l, h, sdk.Inactive)
	require.Contains(t, state.Evidence, "stopped by user")
}

func TestFISExperimentSaysWhatHasNoEnd(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	l := w.plugin(t, nil)
	id, err := w.experimentTemplate(t.Context(), "PT5M")
	require.NoError(t, err)
	h, problems := prepare(t, l, "aws_fis_experiment", fmt.Sprintf(`{"template_id":%q}`, id))
	require.Len(t, problems, 1)
	require.Equal(t, sdk.Warning, problems[0].Severity)
	require.Contains(t, problems[0].Summary, "NO STOP CONDITION")
	require.Contains(t, fmt.Sprint(h.Effects), "aws:fis:inject-api-throttle-error) on ALL aws:iam:role arn:aws:iam::123456789012:role/app for 5m0s; it ends by itself after 5m0s at most")

	id, err = w.experimentTemplate(t.Context(), "", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a")
	require.NoError(t, err)
	_, problems = prepare(t, l, "aws_fis_experiment", fmt.Sprintf(`{"template_id":%q}`, id))
	require.Len(t, problems, 2)
	require.Contains(t, problems[0].Summary, "has no duration")
	require.Contains(t, problems[1].Summary, "lasts")

	_, problems = prepare(t, l, "aws_fis_experiment", `{"template_id":"EXTnobody"}`)
	require.Equal(t, []string{"template_id"}, problems[0].Path)
	_, problems = prepare(t, l, "aws_fis_experiment", fmt.Sprintf(`{"template_id":%q}`, id), w.vpcTarget("vpc-1"))
	require.Equal(t, []string{"targets"}, problems[0].Path)
}
