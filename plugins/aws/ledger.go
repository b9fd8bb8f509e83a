package aws

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A record is written with one attempt. The SDK would try again by itself after an attempt that may have worked, and nobody
// could tell any more what the first one was worth. The key of a record makes a second attempt harmless; one attempt makes it honest.

// place is where a ledger writes, or reads back.
type place struct {
	Region      string `json:"region"`
	EndpointURL string `json:"endpoint_url"`
}

// endpoint is where a place is reached: what it says itself comes before whatever the configuration has for its service.
func (p place) endpoint(otherwise *string) *string {
	if p.EndpointURL != "" {
		return &p.EndpointURL
	}
	return otherwise
}

// once is a retryer that does not.
func once() awssdk.Retryer { return awssdk.NopRetryer{} }

// answer says what became of an attempt. Whatever is not surely refused may have been stored, and stays an error.
func answer(err error, promise string) (sdk.LedgerAnswer, error) {
	switch {
	case err == nil:
		return sdk.LedgerAnswer{Outcome: sdk.LedgerOK, Promise: promise}, nil
	case refused(err):
		return sdk.LedgerAnswer{Outcome: sdk.LedgerFail, Detail: err.Error()}, nil
	}
	return sdk.LedgerAnswer{}, err
}

// refused says that a record was surely not stored: the request never left, or AWS answered that it does not do that. A timeout,
// a connection that broke and an answer 5xx say nothing of the kind, unless it is that of a throttle.
func refused(err error) bool {
	var dial *net.OpError
	var dns *net.DNSError
	if noCredentials(err) || errors.As(err, &dns) || errors.As(err, &dial) && dial.Op == "dial" {
		return true
	}
	if _, throttle := retry.DefaultThrottleErrorCodes[codeOf(err)]; throttle {
		return true
	}
	var said *smithyhttp.ResponseError
	if !errors.As(err, &said) || slices.Contains(doubtful(), codeOf(err)) {
		return false
	}
	status := said.HTTPStatusCode()
	return status >= 300 && status < http.StatusInternalServerError && status != http.StatusRequestTimeout
}

// doubtful are codes that come with a 4xx and do not say that nothing was stored.
func doubtful() []string {
	return []string{"RequestTimeout", "RequestTimeoutException", "OperationAborted", "InternalError", "InternalServerError"}
}

// unreadable says of an error of a read-back whether trying again will mend it.
func unreadable(act string, err error) error {
	err = fmt.Errorf("%s: %w", act, err)
	if missing(err) || slices.Contains(deniedCodes(), codeOf(err)) || codeOf(err) == "ValidationException" || codeOf(err) == "PermanentRedirect" {
		return sdk.Final(err)
	}
	return err
}

// placeAttributes are where something is, in words that depend on what it is for.
func placeAttributes(region string) []sdk.Attribute {
	return []sdk.Attribute{
		{Name: "region", Type: sdk.String, Doc: region},
		{Name: "endpoint_url", Type: sdk.String, Doc: "Where that region is reached, for what is not AWS. By default what the plugin's block says."},
	}
}

// ledgers are all ledgers of the plugin. A new one is named here.
func (p *provider) ledgers() map[string]sdk.Ledger {
	return map[string]sdk.Ledger{"aws_s3": &s3Ledger{p}, "aws_dynamodb": &dynamoLedger{p}}
}
