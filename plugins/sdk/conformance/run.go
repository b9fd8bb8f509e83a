package conformance

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Result is the outcome of one check.
type Result struct {
	// Check is the check's name, such as "Revert twice"; Case what it was about; Mode "in process" or "binary".
	Check, Case, Mode string
	// Err is nil if the promise is kept.
	Err error
}

func (r Result) String() string { return strings.Join([]string{r.Mode, r.Case, r.Check}, "/") }

// Run makes every check of the suite as a subtest.
func Run(t *testing.T, s Subject) {
	t.Helper()
	for _, c := range s.checks() {
		t.Run(c.String(), func(t *testing.T) {
			if err := c.do(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Verify makes every check and returns the outcomes, for use outside of go test.
func Verify(ctx context.Context, s Subject) []Result {
	var out []Result
	for _, c := range s.checks() {
		c.Err = c.do(ctx)
		out = append(out, c.Result)
	}
	return out
}

// check is one check of one subject, ready to be made.
type check struct {
	Result
	timeout time.Duration
	fn      func(context.Context) error
}

func (c check) do(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("the check took longer than %v", c.timeout))
	defer cancel()
	return c.fn(ctx)
}

// checks lists what there is to check.
func (s Subject) checks() []check {
	s.Settle = cmp.Or(s.Settle, 10*time.Second)
	s.Timeout = cmp.Or(s.Timeout, time.Minute)
	s.Lease = cmp.Or(s.Lease, 500*time.Millisecond)
	var out []check
	add := func(mode, about, name string, fn func(context.Context) error) {
		out = append(out, check{Result{Check: name, Case: about, Mode: mode}, s.Timeout, fn})
	}
	for _, m := range s.modes() {
		add(m.name, "plugin", "Describe", func(ctx context.Context) error { return checkDescribe(ctx, s, m) })
		for _, c := range s.Targets {
			add(m.name, c.Type, "Resolve", func(ctx context.Context) error { return checkResolve(ctx, s, m, c) })
		}
		for _, c := range s.Ledgers {
			add(m.name, c.Ledger, "what is written is read back", func(ctx context.Context) error { return checkLedger(ctx, s, m, c) })
		}
		for _, c := range s.Alerts {
			add(m.name, c.Alert, "Poll sees it fire and resolve", func(ctx context.Context) error { return checkAlert(ctx, s, m, c) })
		}
		for _, c := range s.Faults {
			for _, f := range faultChecks() {
				if f.needsTwo && c.Exclusive {
					continue
				}
				add(m.name, c.name(), f.name, func(ctx context.Context) error { return onCase(ctx, s, m, c, f.fn) })
			}
		}
	}
	return out
}
