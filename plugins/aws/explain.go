package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// deniedError is a call that the caller may not make.
type deniedError struct {
	action, who string
	err         error
}

func (e *deniedError) Error() string {
	return fmt.Sprintf("%s may not do %s: %v", e.who, e.action, e.err)
}

func (e *deniedError) Unwrap() error { return e.err }

// explain says of an error what it means for people, and keeps what AWS said.
func (c call) explain(ctx context.Context, err error, who string, limit sdk.Span) error {
	var sso *ssocreds.InvalidTokenError
	code := codeOf(err)
	switch {
	case slices.Contains(deniedCodes(), code):
		return &deniedError{action: c.action(), who: who, err: err}
	case slices.Contains(expiredCodes(), code), errors.As(err, &sso):
		return fmt.Errorf("the credentials have expired or are no longer valid: get new ones (with SSO: aws sso login), then gameday recover undoes what is left: %w", err)
	case noCredentials(err):
		return fmt.Errorf("no AWS credentials were found: set a profile in the plugin's block, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %w", err)
	case errors.Is(context.Cause(ctx), errSlow):
		return fmt.Errorf("%s does not answer: no answer to %s within %v: %w", c, c.operation, time.Duration(limit), err)
	case ctx.Err() == nil && unreachable(err):
		return fmt.Errorf("%s does not answer: %w", c, err)
	}
	return err
}

func deniedCodes() []string {
	return []string{"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "NotAuthorized", "AuthorizationError"}
}

func expiredCodes() []string {
	return []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"}
}

// noCredentials says that nothing on this machine gave any credentials.
func noCredentials(err error) bool {
	return strings.Contains(err.Error(), "get identity: get credentials") && codeOf(err) == ""
}

// unreachable says that a request got no answer at all, however often it was sent.
func unreachable(err error) bool {
	var unsent *smithyhttp.RequestSendError
	var netErr net.Error
	return errors.As(err, &unsent) || (errors.As(err, &netErr) && netErr.Timeout())
}

// codeOf is the code of AWS's own error, or nothing.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// missing says that AWS does not know the resource (any more, or not yet).
func missing(err error) bool {
	code := codeOf(err)
	return strings.HasSuffix(code, ".NotFound") || strings.HasSuffix(code, "NotFound") || strings.HasSuffix(code, "NotFoundException") ||
		strings.HasSuffix(code, "NotFoundFault") || strings.HasPrefix(code, "NoSuch") || code == "InvalidInstanceID.Malformed"
}

// notThere says that the region, or the endpoint, does not have the service or the call at all.
func notThere(err error) bool {
	var name *net.DNSError
	var answer *smithyhttp.ResponseError
	switch {
	case errors.As(err, &name):
		return name.IsNotFound
	case slices.Contains([]string{"InvalidAction", "UnknownOperation", "UnknownOperationException", "NotImplemented", "NotImplementedException"}, codeOf(err)):
		return true
	case errors.As(err, &answer):
		status := answer.HTTPStatusCode()
		return status == http.StatusNotImplemented || status == http.StatusNotFound && !missing(err)
	}
	return false
}

// conflictError says that somebody else changed what the fault changed.
type conflictError struct {
	arn, now, made, before string
	// mark is what tells that the resource is the fault's.
	mark string
}

func (e *conflictError) Error() string {
	text := fmt.Sprintf("conflict: %s is %s now; the fault made it %s, and before it was %s. Somebody else changed it meanwhile, so it is left as it is",
		e.arn, e.now, e.made, e.before)
	if e.mark != "" {
		text += ": if it is right so, remove its tag " + e.mark + ", and otherwise put it back by hand"
	}
	return text
}

func problem(path, summary, detail string) sdk.Problem {
	out := sdk.Problem{Severity: sdk.Error, Summary: summary, Detail: detail}
	if path != "" {
		out.Path = strings.Split(path, ".")
	}
	return out
}

func warning(path, summary, detail string) sdk.Problem {
	out := problem(path, summary, detail)
	out.Severity = sdk.Warning
	return out
}
