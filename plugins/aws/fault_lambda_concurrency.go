package aws

import (
	"context"
	"fmt"
	"strconv"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// reserved is a function whose reserved concurrency is changed: to 0 it runs nothing, to a few it is throttled. Lambda has no clock for that:
// when every process of ours dies at once it stays so until gameday recover, gameday sweep or a person.
type reserved struct {
	Function string `json:"function"`
	Made     int32  `json:"made"`
	// Before is nil where nothing was reserved.
	Before *int32 `json:"before"`
}

// alwaysUnreserved is how much concurrency Lambda keeps for the functions that have none reserved.
const alwaysUnreserved = 100

func lambdaConcurrency() part {
	return newPart(kind[reserved]{
		name: "aws_lambda_concurrency", shelf: functionShelf(), about: "arn:{partition}:lambda:{region}:{account}:function:*", of: "aws_function",
		attributes: []sdk.Attribute{
			{Name: "reserved", Type: sdk.Number, Default: 0, Doc: "How many executions at a time are left to the function. 0: none at all."},
		},
		needs: append(reading("lambda:ListFunctions", "lambda:GetAccountSettings"),
			changing([]string{"{arn}"}, "lambda:GetFunctionConcurrency", "lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency", "lambda:ListProvisionedConcurrencyConfigs")...),
		plan: planConcurrency, look: lookConcurrency,
		inject: func(ctx context.Context, s *site, _ mark, u reserved) error {
			return s.reserve(ctx, u.Function, &u.Made)
		},
		revert: func(ctx context.Context, s *site, _ mark, u reserved) error {
			return s.reserve(ctx, u.Function, u.Before)
		},
		remember: func(arn, note string) (item[reserved], bool) {
			u := reserved{Function: resourceOf(arn), Made: -1}
			n, err := strconv.Atoi(note)
			if err == nil {
				u.Before = new(int32(n))
			}
			return u.item(arn, ""), err == nil || note == "none"
		},
	})
}

// reservedWords say how much is reserved.
func reservedWords(n *int32) string {
	if n == nil {
		return "without reserved concurrency"
	}
	return fmt.Sprintf("with a reserved concurrency of %d", *n)
}

func (u reserved) item(arn, room string) item[reserved] {
	out := item[reserved]{
		arn: arn, name: u.Function, before: reservedWords(u.Before), made: reservedWords(&u.Made), note: "none", undo: u,
		effect: fmt.Sprintf("leave the function %s %s (now: %s); %s", u.Function, reservedWords(&u.Made), reservedWords(u.Before), room),
		byHand: "aws lambda delete-function-concurrency --function-name " + u.Function,
	}
	if u.Before != nil {
		out.note = strconv.Itoa(int(*u.Before))
		out.byHand = fmt.Sprintf("aws lambda put-function-concurrency --function-name %s --reserved-concurrent-executions %d", u.Function, *u.Before)
	}
	return out
}

// reserve reserves so much for a function, or nothing.
func (s *site) reserve(ctx context.Context, function string, n *int32) error {
	if n == nil {
		_, err := s.lambda().DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &function})
		return err
	}
	_, err := s.lambda().PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &function, ReservedConcurrentExecutions: n})
	return err
}

// reservedFor reads what is reserved for a function.
func (s *site) reservedFor(ctx context.Context, function string) (*int32, error) {
	out, err := s.lambda().GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &function})
	if err != nil {
		return nil, fmt.Errorf("reading the concurrency of %s: %w", function, err)
	}
	return out.ReservedConcurrentExecutions, nil
}

func lookConcurrency(ctx context.Context, s *site, _ mark, u reserved) (view, error) {
	n, err := s.reservedFor(ctx, u.Function)
	switch {
	case missing(err):
		return is(gone, "AWS does not know it any more"), nil
	case err != nil:
		return view{}, err
	case reservedWords(n) == reservedWords(u.Before):
		return is(before, "%s", reservedWords(n)), nil
	case n != nil && (u.Made < 0 || *n == u.Made):
		_, room, err := s.concurrency(ctx)
		return is(ours, "%s; %s", reservedWords(n), room), err
	}
	return is(other, "%s", reservedWords(n)), nil
}

// concurrency is how much of the account's concurrency is not reserved for a function, and a sentence about it.
func (s *site) concurrency(ctx context.Context) (unreserved int32, says string, err error) {
	out, err := s.lambda().GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil || out.AccountLimit == nil {
		return 0, "", fmt.Errorf("reading the account's concurrency: %w", err)
	}
	unreserved = awssdk.ToInt32(out.AccountLimit.UnreservedConcurrentExecutions)
	return unreserved, fmt.Sprintf("of the account's %d concurrent executions %d are not reserved", out.AccountLimit.ConcurrentExecutions, unreserved), nil
}

func planConcurrency(ctx context.Context, s *site, a ask) ([]item[reserved], []sdk.Problem, error) {
	var c struct {
		Reserved int32 `json:"reserved"`
	}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	if c.Reserved < 0 {
		return nil, []sdk.Problem{problem("reserved", "The reserved concurrency cannot be less than 0", "0 keeps the function from running.")}, nil
	}
	all, err := a.among(ctx, s, "aws_function", listFunctions)
	if err != nil {
		return nil, nil, err
	}
	free, room, err := s.concurrency(ctx)
	if err != nil {
		return nil, nil, err
	}
	var out []item[reserved]
	var problems []sdk.Problem
	for _, r := range all {
		u := reserved{Function: r.id, Made: c.Reserved}
		if u.Before, err = s.reservedFor(ctx, r.id); err != nil {
			return nil, nil, err
		}
		provisioned, err := s.provisionedFor(ctx, r.id)
		switch {
		case err != nil:
			return nil, nil, err
		case u.Before != nil && *u.Before == c.Reserved:
			problems = append(problems, warning("reserved", r.name+" has a reserved concurrency of "+strconv.Itoa(int(c.Reserved))+" already", "It is left as it is."))
		case provisioned > c.Reserved:
			problems = append(problems, problem("reserved", fmt.Sprintf("%s has a provisioned concurrency of %d, and Lambda reserves no less", r.name, provisioned),
				"Choose another function, or remove its provisioned concurrency."))
		case c.Reserved > awssdk.ToInt32(u.Before) && free-(c.Reserved-awssdk.ToInt32(u.Before)) < alwaysUnreserved:
			problems = append(problems, problem("reserved", fmt.Sprintf("Lambda keeps %d executions that no function has reserved, and %d are left", alwaysUnreserved, free), "Reserve less."))
		default:
			out = append(out, u.item(r.arn, room))
		}
	}
	return out, problems, nil
}

// provisionedFor adds up what is provisioned for the versions and aliases of a function.
func (s *site) provisionedFor(ctx context.Context, function string) (total int32, err error) {
	pages := lambda.NewListProvisionedConcurrencyConfigsPaginator(s.lambda(), &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: &function})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("reading the provisioned concurrency of %s: %w", function, err)
		}
		for _, p := range page.ProvisionedConcurrencyConfigs {
			total += awssdk.ToInt32(p.RequestedProvisionedConcurrentExecutions)
		}
	}
	return total, nil
}
