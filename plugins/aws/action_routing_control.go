package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Routing controls are switched through a cluster that has an endpoint in each of five regions, so that it works when one of them is
// lost. The endpoints are in the block, as AWS advises: the call that would list them may be what is lost. The data plane is spoken to
// directly, in its JSON protocol and signed with the SDK's signer.
type controlling struct {
	Endpoints []controlEndpoint `json:"endpoint"`
	Controls  map[string]string `json:"controls"`
	Override  []string          `json:"override_safety_rules"`
}

type controlEndpoint struct {
	URL    string `json:"url"`
	Region string `json:"region"`
}

func routingControl() step {
	return step{
		name: "aws_routing_control",
		doc: "Switches routing controls of the Application Recovery Controller, all at once, and reads them back. The cluster's endpoints are tried in turn until one answers. " +
			"Undo it with the states that there were before.",
		attributes: []sdk.Attribute{
			{Name: "controls", Type: sdk.StringMap, Required: true, Doc: `The state of each routing control by its ARN: "On" or "Off". All of them change together, or none.`},
			{Name: "override_safety_rules", Type: sdk.StringList, Doc: "The ARNs of safety rules that are not to stop this."},
		},
		blocks: []sdk.Block{{Name: "endpoint", Min: 1, Schema: sdk.Schema{
			Doc: "An endpoint of the cluster. A cluster has five.",
			Attributes: []sdk.Attribute{
				{Name: "url", Type: sdk.String, Required: true, Doc: "The endpoint's URL, as aws route53-recovery-control-config describe-cluster prints it."},
				{Name: "region", Type: sdk.String, Required: true, Doc: "The endpoint's region."},
			},
		}}},
		needs: changing([]string{"arn:{partition}:route53-recovery-control::{account}:controlpanel/*"}, "route53-recovery-cluster:GetRoutingControlState", "route53-recovery-cluster:UpdateRoutingControlStates"),
		check: checkControls, run: runControls,
	}
}

func readControls(req sdk.Request) (controlling, []sdk.Problem, error) {
	var c controlling
	if err := req.Decode(&c); err != nil {
		return c, nil, err
	}
	var out []sdk.Problem
	for i, e := range c.Endpoints {
		if u, err := url.Parse(e.URL); err != nil || u.Host == "" || u.User != nil {
			out = append(out, problem(fmt.Sprintf("endpoint.%d.url", i), "The endpoint is not a URL with a host and without a password", "See aws route53-recovery-control-config describe-cluster."))
		}
	}
	if len(c.Controls) == 0 {
		out = append(out, problem("controls", "There is no routing control to switch", `Write controls = { "arn:..." = "Off" }.`))
	}
	for id, state := range c.Controls {
		if state != "On" && state != "Off" {
			out = append(out, problem("controls."+id, fmt.Sprintf("%q is no state of a routing control", state), `Write "On" or "Off".`))
		}
	}
	return c, out, nil
}

func checkControls(ctx context.Context, s *site, req sdk.Request) ([]sdk.Problem, error) {
	c, problems, err := readControls(req)
	if err != nil || len(problems) > 0 {
		return problems, err
	}
	for _, id := range slices.Sorted(maps.Keys(c.Controls)) {
		_, err := c.state(ctx, s, id)
		switch {
		case missing(err):
			problems = append(problems, problem("controls."+id, "The cluster does not know the routing control "+id, "See aws route53-recovery-cluster list-routing-controls."))
		case err != nil:
			return problems, err
		}
	}
	return problems, nil
}

// controlError is an error that an endpoint answered with.
type controlError struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
	status  int
}

// Its methods are those of the SDK's errors, so that the rest of the plugin understands it.
func (e *controlError) Error() string                 { return e.ErrorCode() + ": " + e.Message }
func (e *controlError) ErrorCode() string             { return e.Type[strings.LastIndex(e.Type, "#")+1:] }
func (e *controlError) ErrorMessage() string          { return e.Message }
func (e *controlError) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }

// passes says that another endpoint may do better.
func (e *controlError) passes() bool {
	return e.status >= http.StatusInternalServerError || e.ErrorCode() == "ThrottlingException" || e.ErrorCode() == "EndpointTemporarilyUnavailableException"
}

func runControls(ctx context.Context, s *site, req sdk.Request) (string, error) {
	c, problems, err := readControls(req)
	if err == nil && len(problems) > 0 {
		err = fmt.Errorf("%s: %s", problems[0].Summary, problems[0].Detail)
	}
	if err != nil {
		return "", err
	}
	type entry struct {
		Arn   string `json:"RoutingControlArn"`
		State string `json:"RoutingControlState"`
	}
	in := map[string]any{}
	var entries []entry
	var said []string
	for _, id := range slices.Sorted(maps.Keys(c.Controls)) {
		was, err := c.state(ctx, s, id)
		if err != nil {
			return "", err
		}
		entries = append(entries, entry{id, c.Controls[id]})
		said = append(said, fmt.Sprintf("%s is %s (it was %s)", resourceOf(id), c.Controls[id], was))
	}
	in["UpdateRoutingControlStateEntries"] = entries
	if len(c.Override) > 0 {
		in["SafetyRulesToOverride"] = c.Override
	}
	if err := c.ask(ctx, s, "UpdateRoutingControlStates", in, nil); err != nil {
		return "", fmt.Errorf("switching %d routing controls: %w", len(entries), err)
	}
	for _, e := range entries {
		err := poll(ctx, time.Minute, e.Arn+" to be "+e.State, func(ctx context.Context) (bool, error) {
			now, err := c.state(ctx, s, e.Arn)
			return now == e.State, err
		})
		if err != nil {
			return "", err
		}
	}
	return strings.Join(said, ", "), nil
}

func (c controlling) state(ctx context.Context, s *site, id string) (string, error) {
	var out struct{ RoutingControlState string }
	err := c.ask(ctx, s, "GetRoutingControlState", map[string]any{"RoutingControlArn": id}, &out)
	if err != nil {
		return "", fmt.Errorf("reading the routing control %s: %w", id, err)
	}
	return out.RoutingControlState, nil
}

// ask tries one endpoint after the other until one answers. A call that one of them may have carried out is the same again at the next.
func (c controlling) ask(ctx context.Context, s *site, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("writing %s: %w", operation, err)
	}
	var errs []error
	for _, e := range c.Endpoints {
		err := e.ask(ctx, s, operation, body, out)
		var answer *controlError
		if err == nil || ctx.Err() != nil {
			return err
		}
		if errors.As(err, &answer) && !answer.passes() {
			return explainControl(s, operation, answer)
		}
		errs = append(errs, fmt.Errorf("%s: %w", e.Region, err))
	}
	return fmt.Errorf("none of the %d endpoints of the cluster answers: %w", len(c.Endpoints), errors.Join(errs...))
}

func explainControl(s *site, operation string, answer *controlError) error {
	if slices.Contains(deniedCodes(), answer.ErrorCode()) {
		return &deniedError{action: "route53-recovery-cluster:" + operation, who: s.who().arn, err: answer}
	}
	if slices.Contains(expiredCodes(), answer.ErrorCode()) {
		return fmt.Errorf("the credentials have expired or are no longer valid: get new ones: %w", answer)
	}
	return answer
}

// mostControlAnswer bounds what is read of an answer.
const mostControlAnswer = 1 << 20

func (e controlEndpoint) ask(ctx context.Context, s *site, operation string, body []byte, out any) error {
	limited, cancel := context.WithTimeout(ctx, time.Duration(s.settings.AttemptTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "ToggleCustomerAPI."+operation)
	creds, err := s.cfg.Credentials.Retrieve(limited)
	if err != nil {
		return fmt.Errorf("getting credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(limited, creds, req, hex.EncodeToString(sum[:]), "route53-recovery-cluster", e.Region, time.Now()); err != nil {
		return fmt.Errorf("signing %s: %w", operation, err)
	}
	resp, err := s.cfg.HTTPClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mostControlAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		failed := &controlError{Type: resp.Header.Get("X-Amzn-Errortype"), Message: "HTTP " + strconv.Itoa(resp.StatusCode), status: resp.StatusCode}
		_ = json.Unmarshal(answer, failed) // an answer in another form still has its status
		return failed
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
