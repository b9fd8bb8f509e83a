package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// linger is how long a change that was sent may still wait for its answer once its caller has given up. A change that is
// abandoned on its way may be carried out after the revert that follows it.
const linger = 5 * time.Second

// errSlow is why a call ended that had its time.
var errSlow = errors.New("no answer in time")

// watch is around every call of every service: it limits its time, lets a change that is under way finish, and says of an
// error what to do about it. Retries and throttling are below, in the SDK's own middleware.
func (p *provider) watch(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("gameday", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		c := call{awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx), awsmiddleware.GetRegion(ctx)}
		if ctx.Err() != nil {
			return middleware.InitializeOutput{}, middleware.Metadata{}, context.Cause(ctx)
		}
		limited, cancel := ctx, context.CancelFunc(func() {})
		if c.changes() {
			limited, cancel = lingering(ctx)
		}
		defer cancel()
		limited, done := context.WithTimeoutCause(limited, time.Duration(p.settings.CallTimeout), errSlow)
		defer done()
		out, meta, err := next.HandleInitialize(limited, in)
		if err != nil {
			err = c.explain(limited, err, cmp.Or(p.who().arn, "whoever has these credentials"), p.settings.CallTimeout)
		}
		return out, meta, err
	}), middleware.After)
}

// who is the caller, as far as it is known.
func (p *provider) who() identity {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.caller
}

// lingering outlives the end of its parent by a moment.
func lingering(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		select {
		case <-ctx.Done():
		case <-time.After(linger):
			cancel(context.Cause(parent))
		}
	})
	return ctx, func() { stop(); cancel(nil) }
}

// call is one operation of one service.
type call struct {
	service, operation, region string
}

// changes says whether the call may change something that a revert has to see. The records of ledgers are not: an attempt to
// write one ends when its client gives up.
func (c call) changes() bool {
	if c.operation == "PutObject" || c.operation == "PutItem" {
		return false
	}
	for _, reads := range []string{"Describe", "Get", "List", "Simulate", "AssumeRole", "Head", "BatchGet", "Query", "Scan", "Test"} {
		if strings.HasPrefix(c.operation, reads) {
			return c.operation == "TestFailover"
		}
	}
	return true
}

// action is the call as IAM names it.
func (c call) action() string {
	prefix, ok := map[string]string{
		"Auto Scaling": "autoscaling", "Elastic Load Balancing v2": "elasticloadbalancing", "ARC Zonal Shift": "arc-zonal-shift",
		"Route 53": "route53", "Service Quotas": "servicequotas", "Route53Resolver": "route53resolver", "CloudWatch": "cloudwatch",
		"Application Auto Scaling": "application-autoscaling",
	}[c.service]
	if c.operation == "ListObjectsV2" {
		return "s3:ListBucket"
	}
	if !ok {
		prefix = strings.ToLower(strings.ReplaceAll(c.service, " ", ""))
	}
	return prefix + ":" + c.operation
}

func (c call) String() string { return fmt.Sprintf("%s in %s", c.service, c.region) }
