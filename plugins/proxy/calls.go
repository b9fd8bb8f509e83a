package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/api"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Inject adds the toxics. A request to add one is never given up half-way: the server might carry it out after the revert
// that followed.
func (f *fault) Inject(ctx context.Context, h sdk.Handle) error {
	var u undo
	if err := h.DecodeUndo(&u); err != nil {
		return err
	}
	for _, i := range u.Items {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := i.add(ctx, u.server()); err != nil {
			return fmt.Errorf("%s: %w", i.Proxy, err)
		}
	}
	return f.p.keep(ctx, h.ID, u)
}

func (i item) add(ctx context.Context, s api.Server) error {
	p, err := s.Proxy(ctx, i.Proxy)
	if err != nil {
		return err
	}
	if p.Listen != i.Listen || p.Upstream != i.Upstream {
		return fmt.Errorf("it led from %s to %s when the plan was made, and leads from %s to %s: plan again", i.Listen, i.Upstream, p.Listen, p.Upstream)
	}
	switch shown, there := i.find(p); {
	case there && i.Toxic.Same(shown):
		return nil
	case there:
		return i.conflict(shown)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.Add(context.WithoutCancel(ctx), i.Proxy, i.Toxic)
}

// find is our toxic on a proxy.
func (i item) find(p api.Proxy) (api.Toxic, bool) {
	at := slices.IndexFunc(p.Toxics, func(t api.Toxic) bool { return t.Name == i.Toxic.Name })
	if at < 0 {
		return api.Toxic{}, false
	}
	return p.Toxics[at], true
}

// conflict is about a toxic with our name that somebody else has changed: it is theirs by now, and they may rely on it.
func (i item) conflict(shown api.Toxic) error {
	return fmt.Errorf("somebody else has changed the toxic %s: it was %s and is %s; take it off by hand, or with gameday sweep -revert proxy",
		i.Toxic.Name, i.Toxic, shown)
}

// Inspect reads every proxy. The fault is active if its toxics are on all of them as they were added, and inactive if none is there.
func (f *fault) Inspect(ctx context.Context, h sdk.Handle) (sdk.State, error) {
	var u undo
	if err := h.DecodeUndo(&u); err != nil {
		return sdk.State{}, err
	}
	var out sdk.State
	var evidence []string
	for at, i := range u.Items {
		status, said, err := i.inspect(ctx, u.server())
		if err != nil {
			return sdk.State{Status: sdk.Unknown, Evidence: err.Error()}, nil
		}
		if at == 0 {
			out.Status = status
		}
		if status != out.Status {
			out.Status = sdk.Unknown
		}
		evidence = append(evidence, said)
	}
	out.Evidence = strings.Join(evidence, "; ")
	return out, nil
}

func (i item) inspect(ctx context.Context, s api.Server) (sdk.Status, string, error) {
	p, err := s.Proxy(ctx, i.Proxy)
	if errors.Is(err, api.ErrNotFound) {
		return sdk.Inactive, fmt.Sprintf("there is no proxy %s any more, and its toxics went with it", i.Proxy), nil
	}
	if err != nil {
		return sdk.Unknown, "", err
	}
	switch shown, there := i.find(p); {
	case !there:
		return sdk.Inactive, fmt.Sprintf("the proxy %s has no toxic %s", i.Proxy, i.Toxic.Name), nil
	case !i.Toxic.Same(shown):
		return sdk.Unknown, i.conflict(shown).Error(), nil
	case !p.Enabled:
		return sdk.Unknown, fmt.Sprintf("the proxy %s has the toxic %s, but somebody else has disabled it", i.Proxy, i.Toxic.Name), nil
	}
	return sdk.Active, fmt.Sprintf("the proxy %s has the toxic %s: %s", i.Proxy, i.Toxic.Name, i.Toxic), nil
}

// Revert takes off what Inject added, and nothing else, last first.
func (f *fault) Revert(ctx context.Context, h sdk.Handle) error {
	var u undo
	if err := h.DecodeUndo(&u); err != nil {
		return err
	}
	f.p.release(h.ID)
	var errs []error
	for _, i := range slices.Backward(u.Items) {
		if err := i.remove(ctx, u.server()); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", i.Proxy, err))
		}
	}
	return errors.Join(errs...)
}

// remove returns when the server shows the toxic gone.
func (i item) remove(ctx context.Context, s api.Server) error {
	p, err := s.Proxy(ctx, i.Proxy)
	if errors.Is(err, api.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	shown, there := i.find(p)
	if !there {
		return nil
	}
	if !i.Toxic.Same(shown) {
		return i.conflict(shown)
	}
	if err := s.Remove(ctx, i.Proxy, i.Toxic.Name); err != nil && !errors.Is(err, api.ErrNotFound) {
		return err
	}
	p, err = s.Proxy(ctx, i.Proxy)
	if errors.Is(err, api.ErrNotFound) {
		return nil
	}
	if _, there = i.find(p); err == nil && there {
		err = fmt.Errorf("the Toxiproxy still shows the toxic %s", i.Toxic.Name)
	}
	return err
}
