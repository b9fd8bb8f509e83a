package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/fis"
	"github.com/aws/aws-sdk-go-v2/service/fis/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// experiment is one of the Fault Injection Service. It has its own clock: each action of the template ends after its duration,
// whether or not any process of ours lives, and its stop conditions end it as well.
type experiment struct {
	Template string `json:"template"`
}

func fisExperiment() fault {
	return fault{name: "aws_fis_experiment", parts: []part{fisPart()},
		doc: "Starts an experiment of the Fault Injection Service from a template, follows it, and stops it when the fault is reverted. What the actions change, FIS undoes, as far as it undoes it. " +
			"The targets are those of the template, so the fault has none, and limits on targets do not see them. If every process of gameday dies at once, FIS ends the experiment by its own clock: after the durations in the template, or by a stop condition."}
}

func fisPart() part {
	template := "arn:{partition}:fis:{region}:{account}:experiment-template/*"
	running := "arn:{partition}:fis:{region}:{account}:experiment/*"
	return newPart(kind[experiment]{
		name: "aws_fis_experiment", slow: 10 * time.Minute, about: template,
		attributes: []sdk.Attribute{{Name: "template_id", Type: sdk.String, Required: true, Doc: "The ID of the experiment template, such as EXT1A2B3C4D5E6F7."}},
		needs: slices.Concat(reading("fis:ListExperiments"), changing([]string{"{arn}"}, "fis:GetExperimentTemplate"),
			changing([]string{"{arn}", running}, "fis:StartExperiment"), changing([]string{running}, "fis:GetExperiment", "fis:StopExperiment", "fis:TagResource")),
		plan: planExperiment, look: lookExperiment,
		inject: startExperiment,
		revert: func(ctx context.Context, s *site, m mark, u experiment) error {
			e, err := s.experimentOf(ctx, m, u)
			if err != nil || e == nil {
				return err
			}
			_, err = s.fis().StopExperiment(ctx, &fis.StopExperimentInput{Id: e.Id})
			return err
		},
		find: findExperiments,
	})
}

func planExperiment(ctx context.Context, s *site, a ask) ([]item[experiment], []sdk.Problem, error) {
	var c struct {
		ID string `json:"template_id"`
	}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	got, err := s.fis().GetExperimentTemplate(ctx, &fis.GetExperimentTemplateInput{Id: new(c.ID)})
	if missing(err) {
		return nil, []sdk.Problem{problem("template_id", fmt.Sprintf("There is no experiment template %s in account %s, region %s", c.ID, s.account, s.region), "See aws fis list-experiment-templates.")}, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading the experiment template %s: %w", c.ID, err)
	}
	t := got.ExperimentTemplate
	one := experimentItem(s, c.ID)
	one.effect = fmt.Sprintf("start the experiment template %s: %s", one.name, describeTemplate(t))
	return []item[experiment]{one}, templateWarnings(t), nil
}

func experimentItem(s *site, id string) item[experiment] {
	return item[experiment]{
		arn: s.arn("fis", "experiment-template/"+id), name: id, before: "without a running experiment of this fault", made: "in an experiment", undo: experiment{id},
		byHand: fmt.Sprintf("aws fis list-experiments --experiment-template-id %s, and aws fis stop-experiment --id for the one that runs and has the tag %s", id, tagHandle),
	}
}

// describeTemplate says what the template will do, action by action.
func describeTemplate(t *types.ExperimentTemplate) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(t.Actions)) {
		a := t.Actions[name]
		what := fmt.Sprintf("%s (%s)", name, awssdk.ToString(a.ActionId))
		for _, k := range slices.Sorted(maps.Keys(a.Targets)) {
			what += " on " + describeTarget(t.Targets[a.Targets[k]])
		}
		if d, ok := durationOf(a); ok {
			what += fmt.Sprintf(" for %v", d)
		}
		out = append(out, what)
	}
	return fmt.Sprintf("%s; it ends by itself after %v at most", strings.Join(out, ", "), longest(t))
}

func describeTarget(t types.ExperimentTemplateTarget) string {
	which := strings.Join(t.ResourceArns, ", ")
	for _, k := range slices.Sorted(maps.Keys(t.ResourceTags)) {
		which = strings.TrimPrefix(which+", tag "+k+"="+t.ResourceTags[k], ", ")
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", awssdk.ToString(t.SelectionMode), awssdk.ToString(t.ResourceType), which))
}

// templateWarnings is what a template leaves without an end.
func templateWarnings(t *types.ExperimentTemplate) []sdk.Problem {
	var out []sdk.Problem
	stops := slices.ContainsFunc(t.StopConditions, func(c types.ExperimentTemplateStopCondition) bool { return awssdk.ToString(c.Source) != "none" })
	if !stops {
		out = append(out, warning("template_id", fmt.Sprintf("The template %s has NO STOP CONDITION", awssdk.ToString(t.Id)),
			"Nothing but its durations ends the experiment when gameday is dead and users suffer. Add an alarm of CloudWatch to the template as a stop condition."))
	}
	for _, name := range slices.Sorted(maps.Keys(t.Actions)) {
		if _, ok := durationOf(t.Actions[name]); !ok {
			out = append(out, warning("template_id", fmt.Sprintf("The action %s (%s) of the template has no duration", name, awssdk.ToString(t.Actions[name].ActionId)),
				"It is done once, and the end of the experiment does not undo it. See the reference of FIS about the action."))
		}
	}
	if longest(t) == 0 {
		out = append(out, warning("template_id", fmt.Sprintf("No action of the template %s lasts", awssdk.ToString(t.Id)), "The experiment completes at once, and is then not there to be proven."))
	}
	return out
}

// durationOf is how long an action lasts.
func durationOf(a types.ExperimentTemplateAction) (time.Duration, bool) {
	for _, name := range []string{"duration", "startInstancesAfterDuration"} {
		if d, err := isoDuration(a.Parameters[name]); err == nil {
			return d, true
		}
	}
	return 0, false
}

// isoDuration reads PT1H30M, the way in which FIS writes a length of time, with days and without months.
func isoDuration(text string) (time.Duration, error) {
	rest, ok := strings.CutPrefix(text, "P")
	if !ok || rest == "" {
		return 0, fmt.Errorf("%q is not a duration such as PT5M", text)
	}
	days, clock, _ := strings.Cut(rest, "T")
	var out time.Duration
	if days != "" {
		var n int
		if _, err := fmt.Sscanf(days, "%dD", &n); err != nil {
			return 0, fmt.Errorf("%q is not a duration such as PT5M", text)
		}
		out = time.Duration(n) * 24 * time.Hour
	}
	if clock == "" {
		return out, nil
	}
	d, err := time.ParseDuration(strings.ToLower(clock))
	return out + d, err
}

// longest is how long the actions take, one after the other where one waits for another.
func longest(t *types.ExperimentTemplate) time.Duration {
	known := map[string]time.Duration{}
	var until func(name string, deep int) time.Duration
	until = func(name string, deep int) time.Duration {
		if d, ok := known[name]; ok || deep > len(t.Actions) {
			return d
		}
		d, _ := durationOf(t.Actions[name])
		var begins time.Duration
		for _, before := range t.Actions[name].StartAfter {
			begins = max(begins, until(before, deep+1))
		}
		known[name] = begins + d
		return known[name]
	}
	var out time.Duration
	for name := range t.Actions {
		out = max(out, until(name, 0))
	}
	return out
}

// startExperiment starts it, and waits until its actions run. The token makes a second call find the first one's experiment,
// unless that was seen to have ended.
func startExperiment(ctx context.Context, s *site, m mark, u experiment) error {
	earlier, err := s.experimentsOf(ctx, m, u)
	if err != nil {
		return err
	}
	over := len(slices.DeleteFunc(earlier, func(e types.ExperimentSummary) bool { return e.State == nil || !ended(e.State) }))
	token := m.token(fmt.Sprintf("fis %s %d", u.Template, over))
	out, err := s.fis().StartExperiment(ctx, &fis.StartExperimentInput{ExperimentTemplateId: new(u.Template), ClientToken: new(token), Tags: m.created()})
	if err != nil {
		return err
	}
	id := awssdk.ToString(out.Experiment.Id)
	return poll(ctx, 10*time.Minute, "the experiment "+id+" to run", func(ctx context.Context) (bool, error) {
		e, err := s.experiment(ctx, id)
		if err != nil {
			return false, err
		}
		if ended(e.State) {
			return false, fmt.Errorf("the experiment has ended already: %s", sayState(e))
		}
		return e.State.Status == types.ExperimentStatusRunning, nil
	})
}

func (s *site) experiment(ctx context.Context, id string) (*types.Experiment, error) {
	got, err := s.fis().GetExperiment(ctx, &fis.GetExperimentInput{Id: new(id)})
	if err != nil {
		return nil, fmt.Errorf("reading the experiment %s: %w", id, err)
	}
	if got.Experiment.State == nil {
		return nil, fmt.Errorf("reading the experiment %s: AWS does not say how it is", id)
	}
	return got.Experiment, nil
}

func ended(s *types.ExperimentState) bool {
	return slices.Contains([]types.ExperimentStatus{types.ExperimentStatusCompleted, types.ExperimentStatusStopped, types.ExperimentStatusFailed, types.ExperimentStatusCancelled}, s.Status)
}

func sayState(e *types.Experiment) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", awssdk.ToString(e.Id), e.State.Status, strings.TrimSpace("("+awssdk.ToString(e.State.Reason)+")")))
}

// experiments lists those of a template, or all.
func (s *site) experiments(ctx context.Context, template string) ([]types.ExperimentSummary, error) {
	in := &fis.ListExperimentsInput{}
	if template != "" {
		in.ExperimentTemplateId = new(template)
	}
	var out []types.ExperimentSummary
	for pages := fis.NewListExperimentsPaginator(s.fis(), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the experiments of %s: %w", s.region, err)
		}
		out = append(out, page.Experiments...)
	}
	return out, nil
}

// experimentsOf are the fault's experiments, the oldest first.
func (s *site) experimentsOf(ctx context.Context, m mark, u experiment) ([]types.ExperimentSummary, error) {
	all, err := s.experiments(ctx, u.Template)
	all = slices.DeleteFunc(all, func(e types.ExperimentSummary) bool {
		return !m.made(e.Tags) || awssdk.ToString(e.ExperimentTemplateId) != u.Template
	})
	slices.SortFunc(all, func(a, b types.ExperimentSummary) int {
		return awssdk.ToTime(a.CreationTime).Compare(awssdk.ToTime(b.CreationTime))
	})
	return all, err
}

// experimentOf is the fault's newest experiment, or nil.
func (s *site) experimentOf(ctx context.Context, m mark, u experiment) (*types.Experiment, error) {
	all, err := s.experimentsOf(ctx, m, u)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return s.experiment(ctx, awssdk.ToString(all[len(all)-1].Id))
}

// lookExperiment says how it is. It has ended when FIS has also ended the undoing of every action.
func lookExperiment(ctx context.Context, s *site, m mark, u experiment) (view, error) {
	e, err := s.experimentOf(ctx, m, u)
	switch {
	case err != nil:
		return view{}, err
	case e == nil:
		return is(before, "without a running experiment of this fault"), nil
	case !ended(e.State) && e.State.Status != types.ExperimentStatusStopping:
		return is(ours, "in the experiment %s", sayState(e)), nil
	}
	for _, name := range slices.Sorted(maps.Keys(e.Actions)) {
		a := e.Actions[name]
		if a.State != nil && slices.Contains([]types.ExperimentActionStatus{types.ExperimentActionStatusStopping, types.ExperimentActionStatusRunning, types.ExperimentActionStatusInitiating}, a.State.Status) {
			return is(moving, "in the experiment %s, whose action %s is %s", sayState(e), name, a.State.Status), nil
		}
	}
	if !ended(e.State) {
		return is(moving, "in the experiment %s", sayState(e)), nil
	}
	return is(before, "without a running experiment of this fault: %s", sayState(e)), nil
}

// findExperiments finds those of ours that run.
func findExperiments(ctx context.Context, s *site) ([]leftover[experiment], error) {
	all, err := s.experiments(ctx, "")
	var out []leftover[experiment]
	for _, e := range all {
		if e.Tags[tagHandle] != "" && e.State != nil && !ended(e.State) {
			out = append(out, leftover[experiment]{mark: markOfTags(e.Tags), item: experimentItem(s, awssdk.ToString(e.ExperimentTemplateId))})
		}
	}
	return out, err
}
