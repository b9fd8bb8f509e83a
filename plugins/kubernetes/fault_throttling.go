package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	flowcontrol "k8s.io/api/flowcontrol/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// throttled are service accounts that the API server has hardly any time for, by a FlowSchema that comes before all others and a
// priority level that has next to nothing. When every process of ours dies at once, both stay.
type throttled struct {
	Accounts []account `json:"accounts"`
	Schema   string    `json:"schema"`
	// Trial says that reading a service account is among the requests that are refused.
	Trial bool `json:"trial"`
}

type account struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// user is what the API server calls it.
func (a account) user() string { return "system:serviceaccount:" + a.Namespace + ":" + a.Name }

// firstPrecedence is the lowest that a FlowSchema may have, but for that which exempts the group system:masters.
const firstPrecedence = 2

type throttlingConfig struct {
	Verbs     []string `json:"verbs"`
	Resources []string `json:"resources"`
	Shares    int      `json:"shares"`
}

func throttling() kind[throttled] {
	return kind[throttled]{
		name: "kubernetes_api_throttling", targets: []string{"kubernetes_service_account"},
		schema: sdk.Schema{
			Doc: "The API server has hardly any time for the service accounts: it answers one of their requests at a time and refuses the others with 429 Too Many Requests, as in " +
				"an overload, by API priority and fairness. Clients try again after a second; one that never has two requests on their way notices nothing. Watches that are open " +
				"stay. Whoever is in the group system:masters is exempt. Where gameday may impersonate the accounts, it tries as each of them how it fares. " +
				"If every process of gameday dies at once, that stays until gameday recover.",
			Attributes: []sdk.Attribute{
				{Name: "verbs", Type: sdk.StringList, Default: []any{"*"}, Doc: "Only requests with these verbs, such as list and watch."},
				{Name: "resources", Type: sdk.StringList, Default: []any{"*"}, Doc: "Only requests for these resources, such as pods."},
				{Name: "shares", Type: sdk.Number, Default: 0, Doc: "The part of the API server's concurrency that they have together, in shares of which all priority levels have about 250. Even with 0 each API server answers one request at a time."},
			},
		},
		needs: throttlingNeeds, plan: planThrottling, inspect: inspectThrottling,
	}
}

func throttlingNeeds(targets []sdk.Target) []access.Need {
	out := append(access.On(cluster.FlowSchemas, "", "", "create", "get", "delete"), access.On(cluster.PriorityLevels, "", "", "create", "get", "delete")...)
	all := refs(targets)
	if targets == nil {
		all = []cluster.Ref{{}}
	}
	for _, r := range all {
		out = append(out, access.On(cluster.ServiceAccounts, r.Namespace, r.Name, "get")...)
	}
	return out
}

func planThrottling(ctx context.Context, s *session, req sdk.Request, m mark.Mark) (p plan[throttled], problems []sdk.Problem, err error) {
	c := throttlingConfig{Verbs: []string{"*"}, Resources: []string{"*"}}
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	if problems = c.check(); len(problems) > 0 {
		return p, problems, nil
	}
	served, err := s.hasFairness(ctx)
	if err != nil {
		return p, nil, err
	}
	if !served {
		return p, []sdk.Problem{problem("", "The API server of this cluster has no priority and fairness", "It needs the API flowcontrol.apiserver.k8s.io/v1.")}, nil
	}
	p.own = throttled{Schema: m.Name("throttle"), Trial: covers(c.Verbs, "get") && covers(c.Resources, "serviceaccounts")}
	me := s.access.WhoAmI(ctx)
	var users []string
	for _, t := range req.Targets {
		r, _, found, err := s.take(ctx, t)
		if err != nil {
			return p, nil, err
		}
		problems = append(problems, found...)
		a := account{r.Namespace, r.Name}
		if a.user() == me {
			problems = append(problems, problem("targets", "gameday itself is "+me+" here", "It could not undo the fault. Choose another service account, or give gameday one of its own."))
		}
		p.own.Accounts = append(p.own.Accounts, a)
		users = append(users, a.user())
	}
	level := change.NewCreation(cluster.PriorityLevels, "", p.own.Schema, c.level())
	schema := change.NewCreation(cluster.FlowSchemas, "", p.own.Schema, c.schema(p.own))
	p.items = []change.Item{{Creation: &level}, {Creation: &schema}} // undone the other way round, so that no schema is without a level
	p.effects = []string{fmt.Sprintf("the API server answers requests of %s one at a time, and refuses the others: verbs %s, resources %s, %d shares of concurrency",
		strings.Join(users, ", "), strings.Join(c.Verbs, " "), strings.Join(c.Resources, " "), c.Shares)}
	return p, problems, nil
}

// covers says whether a list has a value, or stands for all.
func covers(list []string, value string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, value)
}

func (c throttlingConfig) check() (out []sdk.Problem) {
	if len(c.Verbs) == 0 {
		out = append(out, problem("verbs", "There are no verbs", "Name some, or leave it out for all."))
	}
	if len(c.Resources) == 0 {
		out = append(out, problem("resources", "There are no resources", "Name some, or leave it out for all."))
	}
	if c.Shares < 0 {
		out = append(out, problem("shares", "A negative number of shares", "Use 0 or more."))
	}
	return out
}

// hasFairness looks for the FlowSchema that every API server with priority and fairness has.
func (s *session) hasFairness(ctx context.Context) (bool, error) {
	_, err := s.cluster.Get(ctx, cluster.Ref{Kind: cluster.FlowSchemas, Name: flowcontrol.FlowSchemaNameExempt})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func (c throttlingConfig) level() map[string]any {
	return map[string]any{"spec": map[string]any{
		"type": flowcontrol.PriorityLevelEnablementLimited,
		"limited": map[string]any{
			"nominalConcurrencyShares": c.Shares, "lendablePercent": 0, "borrowingLimitPercent": 0,
			"limitResponse": map[string]any{"type": flowcontrol.LimitResponseTypeReject},
		},
	}}
}

func (c throttlingConfig) schema(u throttled) map[string]any {
	var subjects []flowcontrol.Subject
	for _, a := range u.Accounts {
		subjects = append(subjects, flowcontrol.Subject{
			Kind: flowcontrol.SubjectKindServiceAccount, ServiceAccount: &flowcontrol.ServiceAccountSubject{Namespace: a.Namespace, Name: a.Name},
		})
	}
	rules := flowcontrol.PolicyRulesWithSubjects{
		Subjects: subjects,
		ResourceRules: []flowcontrol.ResourcePolicyRule{{
			Verbs: c.Verbs, APIGroups: []string{"*"}, Resources: c.Resources, ClusterScope: true, Namespaces: []string{"*"},
		}},
	}
	if slices.Contains(c.Resources, "*") && slices.Contains(c.Verbs, "*") {
		rules.NonResourceRules = []flowcontrol.NonResourcePolicyRule{{Verbs: c.Verbs, NonResourceURLs: []string{"*"}}}
	}
	return map[string]any{"spec": map[string]any{
		"matchingPrecedence": firstPrecedence, "priorityLevelConfiguration": map[string]any{"name": u.Schema}, "rules": []any{rules},
	}}
}

// inspectThrottling reads whether the API server knows the schema and its level, and asks as the accounts where that is allowed.
func inspectThrottling(ctx context.Context, s *session, _ sdk.Handle, u throttled) (sdk.State, error) {
	one, cancel := cluster.Reading(ctx)
	defer cancel()
	schema, err := s.cluster.Typed.FlowcontrolV1().FlowSchemas().Get(one, u.Schema, metav1.GetOptions{})
	if err != nil {
		return sdk.State{}, fmt.Errorf("reading the flowschema %s: %w", u.Schema, s.cluster.Explain(err))
	}
	found := slices.ContainsFunc(schema.Status.Conditions, func(c flowcontrol.FlowSchemaCondition) bool {
		return c.Type == flowcontrol.FlowSchemaConditionDangling && c.Status == flowcontrol.ConditionFalse
	})
	if !found {
		return unknown("the API server has not put the flowschema together with its priority level yet"), nil
	}
	evidence := "the API server has put the flowschema together with its priority level"
	for _, a := range u.Accounts {
		matched, how, err := s.askAs(ctx, a, u, string(schema.UID))
		if err != nil {
			return sdk.State{}, err
		}
		if !matched {
			return unknown("%s; %s", evidence, how), nil
		}
		evidence += "; " + how
	}
	return active("%s", evidence), nil
}

// burst is how many requests are made at once to see how an account fares.
const burst = 10

// askAs asks the API server for a service account in its own name. The answers say which flowschema the requests were put under.
func (s *session) askAs(ctx context.Context, a account, u throttled, uid string) (matched bool, how string, err error) {
	if !u.Trial {
		return true, a.user() + " is not tried, since no request that gameday could make for it is refused", nil
	}
	lacking, err := s.access.Missing(ctx, []access.Need{{Verb: "impersonate", Resource: cluster.ServiceAccounts.Resource, Namespace: a.Namespace, Name: a.Name}})
	if err != nil {
		return false, "", err
	}
	client, ok := s.cluster.Typed.CoreV1().RESTClient().(*rest.RESTClient)
	if len(lacking) > 0 || !ok || s.cluster.Impersonates() {
		return true, a.user() + " is not tried, for want of the permission to impersonate it", nil
	}
	ctx, cancel := cluster.Reading(ctx)
	defer cancel()
	url := client.Get().Namespace(a.Namespace).Resource(cluster.ServiceAccounts.Resource).Name(a.Name).URL().String()
	var seen, refused atomic.Int64
	var other atomic.Value
	err = each(ctx, make([]struct{}, burst), func(struct{}) error {
		schema, status, err := askOnce(ctx, client.Client, url, a)
		switch {
		case err != nil:
			return err
		case schema != uid:
			other.Store(schema)
		case status == http.StatusTooManyRequests:
			refused.Add(1)
		}
		seen.Add(1)
		return nil
	})
	if err != nil {
		return false, "", err
	}
	if schema := other.Load(); schema != nil {
		return false, fmt.Sprintf("requests as %s are under the flowschema %s, and not under that of the fault", a.user(), schema), nil
	}
	return true, fmt.Sprintf("of %d requests at once as %s, all under it, %d were refused", seen.Load(), a.user(), refused.Load()), nil
}

// askOnce makes one request, which nothing repeats.
func askOnce(ctx context.Context, client *http.Client, url string, a account) (schema string, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Impersonate-User", a.user())
	answer, err := client.Do(req)
	if err != nil {
		return "", 0, fmt.Errorf("asking the API server as %s: %w", a.user(), err)
	}
	_ = answer.Body.Close()
	return answer.Header.Get(flowcontrol.ResponseHeaderMatchedFlowSchemaUID), answer.StatusCode, nil
}
