package sdk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk/proto"
)

// blockCall is a message about one block of the scenario.
type blockCall interface {
	GetType() string
	GetRequest() []byte
}

// onBlock carries out a call about one block of the scenario.
func onBlock[T any](s *Session, call string, m map[string]T, kind string, in blockCall, fn func(T, Request) error) error {
	if err := s.ready(); err != nil {
		return err
	}
	impl, err := offered(m, kind, in.GetType())
	if err != nil {
		return err
	}
	var req Request
	if err := decode("request", in.GetRequest(), &req); err != nil {
		return err
	}
	return s.guard(call+" "+in.GetType(), func() error { return fn(impl, req) })
}

// onHandle carries out a call about one prepared fault, in the handle's turn.
func (s *Session) onHandle(ctx context.Context, call string, in *proto.HandleRequest,
	fn func(context.Context, Fault, *held, Handle) error,
) error {
	if err := s.ready(); err != nil {
		return err
	}
	var h Handle
	if err := decode("handle", in.GetHandle(), &h); err != nil {
		return err
	}
	switch {
	case h.ID == "":
		return fmt.Errorf("the handle has no ID")
	case h.Plugin != s.plugin.Name:
		return fmt.Errorf("%w: the handle %s belongs to plugin %q, and this is %q", ErrNotOffered, h.ID, h.Plugin, s.plugin.Name)
	}
	fault, err := offered(s.plugin.Faults, "fault", h.Fault)
	if err != nil {
		return err
	}
	if call == "Revert" && ctx.Err() == nil { // one that was given up before it began must not hit the Inject that came after it
		s.interrupt(h.ID, fmt.Errorf("interrupted by Revert: %w", context.Canceled))
	}
	e, leave, err := s.enter(ctx, h)
	if err != nil {
		return fmt.Errorf("waiting for the call in progress for %s: %w", h.ID, err)
	}
	defer leave()
	return s.guard(call+" "+h.ID, func() error { return fn(ctx, fault, e, h) })
}

// inject holds the handle first, so that the lease covers an Inject of which only the beginning happened.
func (s *Session) inject(ctx context.Context, f Fault, e *held, h Handle) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := s.hold(e, cancel); err != nil {
		return err
	}
	defer s.injected(e)
	return f.Inject(ctx, h)
}

// ability carries out a call that a plugin may or may not offer.
func (s *Session) ability(call string, offered bool, fn func() error) error {
	if err := s.ready(); err != nil {
		return err
	}
	if !offered {
		return fmt.Errorf("%w: %s", ErrNotOffered, call)
	}
	return s.guard(call, fn)
}

// stamp fills in what the SDK knows of a handle better than the plugin's author.
func (s *Session) stamp(h Handle, fault string, req Request) Handle {
	h.Plugin, h.Version, h.Fault, h.Run = s.plugin.Name, s.plugin.Version, fault, req.Run
	if h.ID == "" {
		h.ID = strings.TrimPrefix(req.Run+"/"+req.ID, "/")
	}
	if h.Targets == nil {
		h.Targets = req.Targets
	}
	return h
}

func offered[T any](m map[string]T, kind, name string) (T, error) {
	v, ok := m[name]
	if !ok {
		return v, fmt.Errorf("%w: %s %q (it has %s)", ErrNotOffered, kind, name,
			strings.Join(slices.Sorted(maps.Keys(m)), ", "))
	}
	return v, nil
}
