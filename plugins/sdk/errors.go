package sdk

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What can go wrong with a call beyond the fault itself. Test for them with errors.Is.
var (
	// ErrGone: the plugin's process is dead or cannot be reached. Whether the call took effect is unknown.
	ErrGone = errors.New("the plugin is gone")
	// ErrLeaseExpired: renewals stopped for longer than the lease. The plugin reverts everything and exits.
	ErrLeaseExpired = errors.New("the plugin's lease has expired: it reverts its faults and exits")
	// ErrOutOfOrder: the call does not fit the session, such as Inject without a lease.
	ErrOutOfOrder = errors.New("call out of order")
	// ErrNotOffered: the plugin has no such target, fault, action, prober, ledger, alert, document or ability.
	ErrNotOffered = errors.New("not offered by the plugin")
	// ErrTooLarge: a message above MaxMessage.
	ErrTooLarge = fmt.Errorf("larger than the %d MiB that one message may have", MaxMessage>>20)
	// ErrPanicked: the plugin's code panicked in this call. The plugin lives; the stack is in its log.
	ErrPanicked = errors.New("the plugin's code panicked")
)

// CallError says which call to which plugin failed, and why.
type CallError struct {
	Plugin string
	// Call is the method and what it was about: Inject fault.lab_zone_outage.lose_zone.
	Call string
	// Code is the gRPC code: Unknown for the plugin's own error, Unavailable for a dead plugin.
	Code codes.Code
	// Message is the plugin's own message.
	Message string
	kind    error
}

func (e *CallError) Error() string {
	return fmt.Sprintf("plugin %s: %s: %s", e.Plugin, e.Call, e.Message)
}

// Unwrap makes errors.Is see the sentinels above, context.Canceled and context.DeadlineExceeded.
func (e *CallError) Unwrap() error { return e.kind }

// wireError is how an error of a call leaves the plugin. Whatever status the plugin's code may have got from a gRPC
// service of its own must not be mistaken for the state of this conversation, so it becomes Unknown.
func wireError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	code := codes.Unknown
	switch {
	case errors.Is(err, ErrLeaseExpired):
		code = codes.Aborted
	case errors.Is(err, ErrOutOfOrder):
		code = codes.FailedPrecondition
	case errors.Is(err, ErrNotOffered):
		code = codes.Unimplemented
	case errors.Is(err, ErrPanicked):
		code = codes.Internal
	case errors.Is(err, ErrFinal):
		code = codes.InvalidArgument
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		code = status.FromContextError(ctx.Err()).Code()
	}
	return status.Error(code, err.Error())
}

// callError is how an error of a call arrives at the host.
func callError(plugin, call string, err error) error {
	if err == nil {
		return nil
	}
	s := status.Convert(err)
	out := &CallError{Plugin: plugin, Call: call, Code: s.Code(), Message: s.Message()}
	switch s.Code() {
	case codes.Unavailable:
		out.kind = ErrGone
		out.Message = ErrGone.Error() // the status only tells of sockets
	case codes.Aborted:
		out.kind = ErrLeaseExpired
	case codes.FailedPrecondition:
		out.kind = ErrOutOfOrder
	case codes.Unimplemented:
		out.kind = ErrNotOffered
	case codes.ResourceExhausted:
		out.kind = ErrTooLarge
		out.Message = fmt.Sprintf("%v (%s)", ErrTooLarge, s.Message())
	case codes.Internal:
		out.kind = ErrPanicked
	case codes.InvalidArgument:
		out.kind = ErrFinal
	case codes.Canceled:
		out.kind = context.Canceled
	case codes.DeadlineExceeded:
		out.kind = context.DeadlineExceeded
		out.Message = "no answer in time (" + s.Message() + ")"
	}
	return out
}
