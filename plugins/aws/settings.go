package aws

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// settings are the values of the plugin's block.
type settings struct {
	Profile            string   `json:"profile"`
	Region             string   `json:"region"`
	EndpointURL        string   `json:"endpoint_url"`
	Accounts           []string `json:"accounts"`
	AssumeRole         []role   `json:"assume_role"`
	MaxAttempts        int      `json:"max_attempts"`
	RetryMode          string   `json:"retry_mode"`
	AttemptTimeout     sdk.Span `json:"attempt_timeout"`
	CallTimeout        sdk.Span `json:"call_timeout"`
	Consistency        sdk.Span `json:"consistency"`
	SweepRegions       []string `json:"sweep_regions"`
	CloudWatchProtocol string   `json:"cloudwatch_protocol"`
}

// role is one step of a chain of roles.
type role struct {
	RoleARN     string `json:"role_arn"`
	ExternalID  string `json:"external_id"`
	SessionName string `json:"session_name"`
}

func defaults() settings {
	return settings{
		MaxAttempts: 5, RetryMode: "standard", AttemptTimeout: sdk.Span(10 * time.Second), CallTimeout: sdk.Span(time.Minute),
		Consistency: sdk.Span(5 * time.Second), CloudWatchProtocol: "cbor",
	}
}

func configSchema() sdk.Schema {
	d := defaults()
	span := func(s sdk.Span) string { return time.Duration(s).String() }
	return sdk.Schema{
		Doc: "Credentials come from where every AWS tool takes them: environment, shared configuration (SSO included), web identity, or the machine's role. " +
			"For several regions or accounts, write several blocks, each with an alias.",
		Attributes: []sdk.Attribute{
			{Name: "profile", Type: sdk.String, Doc: "The profile of the shared configuration. By default AWS_PROFILE."},
			{Name: "region", Type: sdk.String, Doc: "Where targets are looked for. By default AWS_REGION, or the profile's."},
			{Name: "endpoint_url", Type: sdk.String, Doc: "Where every service is reached, for emulators. By default AWS_ENDPOINT_URL, or AWS itself."},
			{Name: "accounts", Type: sdk.StringList, Doc: "The IDs of the accounts in which something may be changed. Required for faults and for actions: without it, the plugin only reads."},
			{Name: "max_attempts", Type: sdk.Number, Default: d.MaxAttempts, Doc: "How often a call is tried when AWS throttles it or does not answer."},
			{Name: "retry_mode", Type: sdk.String, Default: d.RetryMode, OneOf: []string{"standard", "adaptive"}, Doc: "The SDK's way to wait between attempts. adaptive also slows down what comes after a throttled call."},
			{Name: "attempt_timeout", Type: sdk.Duration, Default: span(d.AttemptTimeout), Doc: "How long one attempt may take."},
			{Name: "call_timeout", Type: sdk.Duration, Default: span(d.CallTimeout), Doc: "How long a call may take, all its attempts together."},
			{Name: "consistency", Type: sdk.Duration, Default: span(d.Consistency), Doc: "How long a change may take until everybody reads it. A revert that finds nothing of its fault looks once more after this time."},
			{Name: "sweep_regions", Type: sdk.StringList, Doc: "Where gameday sweep looks. By default every region that is enabled in the account."},
			{Name: "cloudwatch_protocol", Type: sdk.String, Default: d.CloudWatchProtocol, OneOf: []string{"cbor", "query"}, Doc: "How CloudWatch is spoken to. query is what most emulators understand."},
		},
		Blocks: []sdk.Block{{Name: "assume_role", Schema: sdk.Schema{
			Doc: "A role to take on. Several blocks are a chain, in their order: each role is assumed with the one before.",
			Attributes: []sdk.Attribute{
				{Name: "role_arn", Type: sdk.String, Required: true, Doc: "The ARN of the role."},
				{Name: "external_id", Type: sdk.String, Sensitive: true, Doc: "What the role's trust policy asks for as sts:ExternalId."},
				{Name: "session_name", Type: sdk.String, Default: "gameday", Doc: "What the session is called in CloudTrail."},
			},
		}}},
	}
}

// check finds what is wrong with the block itself.
func (s settings) check() []sdk.Problem {
	var out []sdk.Problem
	account := regexp.MustCompile(`^[0-9]{12}$`)
	for i, a := range s.Accounts {
		if !account.MatchString(a) {
			out = append(out, problem("accounts."+strconv.Itoa(i), fmt.Sprintf("%q is not the ID of an account", a), "An account's ID has twelve digits, as aws sts get-caller-identity prints it. Write it as a string."))
		}
	}
	if u, err := url.Parse(s.EndpointURL); s.EndpointURL != "" && (err != nil || u.Host == "" || u.User != nil) {
		out = append(out, problem("endpoint_url", "The endpoint is not a URL with a host and without a password", "Write it like http://127.0.0.1:5000."))
	}
	if s.MaxAttempts < 1 || s.MaxAttempts > 20 {
		out = append(out, problem("max_attempts", "A call is tried between 1 and 20 times", "5 is what the plugin does by itself."))
	}
	for _, limit := range []struct {
		name string
		span sdk.Span
	}{{"attempt_timeout", s.AttemptTimeout}, {"call_timeout", s.CallTimeout}, {"consistency", s.Consistency}} {
		if limit.span <= 0 {
			out = append(out, problem(limit.name, "The time must be longer than nothing", "Leave it out for what the plugin does by itself."))
		}
	}
	return out
}

// load makes the SDK's configuration. It reaches for nothing but files and the environment.
func (s settings) load(ctx context.Context, watch func(*middleware.Stack) error) (awssdk.Config, error) {
	client := awshttp.NewBuildableClient().WithTimeout(time.Duration(s.AttemptTimeout))
	opts := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(client), awsconfig.WithRetryer(s.retryer),
		awsconfig.WithAPIOptions([]func(*middleware.Stack) error{watch}),
	}
	if s.Profile != "" {
		opts = append(opts, awsconfig.WithSharedConfigProfile(s.Profile))
	}
	if s.Region != "" {
		opts = append(opts, awsconfig.WithRegion(s.Region))
	}
	if s.EndpointURL != "" {
		opts = append(opts, awsconfig.WithBaseEndpoint(s.EndpointURL))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return cfg, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	for _, r := range s.AssumeRole {
		cfg.Credentials = awssdk.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), r.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = r.SessionName
			if r.ExternalID != "" {
				o.ExternalID = new(r.ExternalID)
			}
		}))
	}
	return cfg, nil
}

func (s settings) retryer() awssdk.Retryer {
	standard := func(o *retry.StandardOptions) { o.MaxAttempts = s.MaxAttempts }
	if s.RetryMode == "adaptive" {
		return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) { o.StandardOptions = append(o.StandardOptions, standard) })
	}
	return retry.NewStandard(standard)
}
