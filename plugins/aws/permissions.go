package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// need is one permission.
type need struct {
	action string
	// on are the resources, as ARNs with {partition}, {region} and {account}. {arn} stands for what a change is about, without
	// the part after a # that names a part of a resource, such as a record of a hosted zone. None: *, which is all that many
	// reading actions know.
	on []string
}

// reading are actions that AWS grants for everything or for nothing.
func reading(actions ...string) []need {
	var out []need
	for _, a := range actions {
		out = append(out, need{action: a})
	}
	return out
}

// changing are actions on resources.
func changing(on []string, actions ...string) []need {
	var out []need
	for _, a := range actions {
		out = append(out, need{a, on})
	}
	return out
}

// everywhere are the needs of whatever this plugin does.
func everywhere() []need { return reading("sts:GetCallerIdentity", "ec2:DescribeRegions") }

// fill writes the place into a resource's pattern.
func (n need) fill(partition, region, account, about string) []string {
	if len(n.on) == 0 {
		return []string{"*"}
	}
	about, _, _ = strings.Cut(about, "#")
	r := strings.NewReplacer("{partition}", partition, "{region}", region, "{account}", account, "{arn}", about)
	var out []string
	for _, on := range n.on {
		out = append(out, r.Replace(on))
	}
	return out
}

// statement is one of an IAM policy.
type statement struct {
	Effect   string
	Action   []string
	Resource []string
}

type policy struct {
	Version   string
	Statement []statement
}

// policyOf puts the actions with the same resources together.
func policyOf(g grants) string {
	out := policy{Version: "2012-10-17"}
	for key, actions := range g.byResource() {
		out.Statement = append(out.Statement, statement{"Allow", actions, strings.Fields(key)})
	}
	slices.SortFunc(out.Statement, func(a, b statement) int { return strings.Compare(a.Action[0], b.Action[0]) })
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		panic(err) // strings always make JSON
	}
	return string(text)
}

// grants collects what is needed on what.
type grants map[string][]string

func (g grants) add(n need, resources []string) {
	for _, r := range resources {
		if !slices.Contains(g[n.action], r) {
			g[n.action] = append(g[n.action], r)
		}
	}
	slices.Sort(g[n.action])
}

// deniedProblem is the problem that an action is missing, if that is what the error says.
func deniedProblem(s *site, err error) *sdk.Problem {
	var denied *deniedError
	if !errors.As(err, &denied) {
		return nil
	}
	out := lacking(denied.action, s.identity.arn, []string{"*"}, codeOf(err))
	return &out
}

// lacking is the problem that an action on some resources is not allowed.
func lacking(action, who string, resources []string, why string) sdk.Problem {
	out := problem("targets", fmt.Sprintf("%s may not do %s", who, action), fmt.Sprintf("AWS says %s. Allow it with:\n%s", why, policyOf(grants{action: resources})))
	out.Permission = action
	return out
}

// mayCall asks AWS whether the planned calls would be allowed: with a dry run where the API has one, and with IAM's
// simulator where that is allowed. The note says what could not be asked.
func (f *carried) mayCall(ctx context.Context, s *site, plan []planned) ([]sdk.Problem, string, error) {
	dry, err := s.knowsDryRuns(ctx)
	if err != nil {
		return nil, "", err
	}
	refused := make([]*sdk.Problem, len(plan))
	err = every(ctx, len(plan), func(ctx context.Context, i int) error {
		p, err := f.part(plan[i].Part)
		if err == nil && dry && p.tryOut != nil {
			refused[i], err = tried(s, plan[i].change, p.tryOut(ctx, s, mark{}, plan[i].change))
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	var out []sdk.Problem
	for _, p := range refused {
		if p != nil {
			out = append(out, *p)
		}
	}
	if len(out) > 0 {
		return dedupe(out), "", nil
	}
	return f.simulate(ctx, s, plan)
}

// tried says what the error of a dry run means.
func tried(s *site, c change, err error) (*sdk.Problem, error) {
	if denied := deniedProblem(s, err); denied != nil || err == nil || codeOf(err) == "DryRunOperation" {
		return denied, nil
	}
	if codeOf(err) == "" {
		return nil, fmt.Errorf("trying %s on %s out: %w", c.Part, c.Name, err)
	}
	out := problem("targets", fmt.Sprintf("AWS would refuse %s on %s: %s", c.Part, c.Name, codeOf(err)), err.Error())
	return &out, nil
}

// knowsDryRuns says whether a dry run is one: an endpoint that is not AWS may carry the call out instead. AWS answers a dry
// run with an error in any case.
func (s *site) knowsDryRuns(ctx context.Context) (bool, error) {
	if s.endpoint() == "" {
		return true, nil
	}
	_, err := s.ec2().DescribeInstances(ctx, &ec2.DescribeInstancesInput{DryRun: new(true)})
	if err != nil && codeOf(err) == "" {
		return false, fmt.Errorf("asking %s for a dry run: %w", s.endpoint(), err)
	}
	return err != nil, nil
}

func dedupe(problems []sdk.Problem) (out []sdk.Problem) {
	for _, p := range problems {
		if !slices.ContainsFunc(out, func(o sdk.Problem) bool { return o.Summary == p.Summary }) {
			out = append(out, p)
		}
	}
	return out
}

// few bounds the attempts at what the plan can do without.
func few(o *iam.Options) { o.RetryMaxAttempts = 2 }

// mostSimulated bounds the resources that one simulation is asked about.
const mostSimulated = 50

// simulate asks IAM about every action of the plan.
func (f *carried) simulate(ctx context.Context, s *site, plan []planned) ([]sdk.Problem, string, error) {
	wanted := grants{}
	for _, c := range plan {
		p, err := f.part(c.Part)
		if err != nil {
			return nil, "", err
		}
		for _, n := range p.needs {
			wanted.add(n, n.fill(s.partition, s.region, s.account, c.ARN))
		}
	}
	return s.simulated(ctx, wanted)
}

// simulated asks IAM which of the actions the caller may not do. The note says that it could not be asked.
func (s *site) simulated(ctx context.Context, wanted grants) ([]sdk.Problem, string, error) {
	source, ok := s.principal()
	if !ok {
		return nil, "", nil // the account's root user may do everything
	}
	var out []sdk.Problem
	for key, actions := range wanted.byResource() {
		resources := strings.Fields(key)
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: new(source), ActionNames: actions, ResourceArns: resources[:min(len(resources), mostSimulated)]}
		for pages := iam.NewSimulatePrincipalPolicyPaginator(s.iam(), in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx, few)
			if err != nil {
				return nil, fmt.Sprintf("(what this needs was not checked with iam:SimulatePrincipalPolicy: %s)", codeOr(err)), ctx.Err()
			}
			for _, r := range page.EvaluationResults {
				if r.EvalDecision != types.PolicyEvaluationDecisionTypeAllowed {
					out = append(out, lacking(awssdk.ToString(r.EvalActionName), source, resources, string(r.EvalDecision)))
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b sdk.Problem) int { return strings.Compare(a.Permission, b.Permission) })
	return dedupe(out), "", nil
}

func (g grants) byResource() map[string][]string {
	out := map[string][]string{}
	for action, resources := range g {
		key := strings.Join(resources, " ")
		out[key] = append(out[key], action)
	}
	for _, actions := range out {
		slices.Sort(actions)
	}
	return out
}

func codeOr(err error) string {
	if code := codeOf(err); code != "" {
		return code
	}
	return "no answer"
}

// principal is whose policies decide: the role behind an assumed role. A role with a path is not found by the name that a
// session carries, and IAM then says so.
func (i identity) principal() (string, bool) {
	a, err := arn.Parse(i.arn)
	if err != nil || a.Resource == "root" {
		return "", false
	}
	if rest, ok := strings.CutPrefix(a.Resource, "assumed-role/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return fmt.Sprintf("arn:%s:iam::%s:role/%s", a.Partition, a.AccountID, name), true
	}
	return i.arn, true
}
