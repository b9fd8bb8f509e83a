package wiring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/internal/alert"
	"github.com/gameday-toolkit/gameday/internal/ledger"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// pluginBlock is a probe, a ledger or an alert that a plugin offers.
type pluginBlock struct {
	live      *Live
	key, kind string
	req       sdk.Request
}

func (s *sources) pluginBlock(key, kind, addr string, config json.RawMessage) pluginBlock {
	return pluginBlock{live: s.live, key: key, kind: kind, req: sdk.Request{Run: s.run, ID: addr, Config: s.reveal(config), Seed: s.plan.Seed}}
}

// Close has nothing to close: the plugin belongs to the run.
func (pluginBlock) Close() error { return nil }

// pluginProber asks through a plugin.
type pluginProber struct{ pluginBlock }

func (p *pluginProber) Probe(ctx context.Context) probe.Answer {
	c, err := p.live.client(ctx, p.key)
	if err != nil {
		return probe.Answer{Class: sample.Other, Detail: err.Error()}
	}
	o, err := c.Probe(ctx, p.kind, p.req)
	switch {
	case ctx.Err() != nil:
		return probe.Answer{Class: sample.Timeout, Detail: "no answer in time"}
	case err != nil:
		return probe.Answer{Class: sample.Other, Detail: err.Error()}
	case o.Good:
		return probe.Answer{Good: true}
	}
	return probe.Answer{Class: sample.ParseClass(o.Class), Detail: o.Detail}
}

func (s *sources) pluginAlert(a plan.Alert) alert.Watcher {
	b := s.pluginBlock(a.Plugin, a.Type, a.Addr, a.Config)
	return alert.Polled{Interval: time.Duration(a.Interval), Poll: func(ctx context.Context) (bool, string, error) {
		c, err := b.live.client(ctx, b.key)
		if err != nil {
			return false, "", err
		}
		st, err := c.Poll(ctx, b.kind, b.req)
		return st.Firing, st.Summary, err
	}}
}

// pluginStore is a ledger that a plugin writes and reads.
type pluginStore struct {
	pluginBlock

	mu      sync.Mutex
	promise string
}

func (s *sources) pluginStore(l plan.Ledger) ledger.Store {
	return &pluginStore{pluginBlock: s.pluginBlock(l.Plugin, l.Type, l.Addr, l.Config)}
}

// Write takes an error for an outcome that nobody knows: the plugin may have written before it failed or died.
func (s *pluginStore) Write(ctx context.Context, e ledger.Entry) (record.Outcome, string) {
	c, err := s.live.client(ctx, s.key)
	if err != nil {
		return record.Info, err.Error()
	}
	a, err := c.Write(ctx, s.kind, s.req, sdk.LedgerEntry(e))
	if err != nil {
		return record.Info, err.Error()
	}
	if a.Promise != "" {
		s.mu.Lock()
		s.promise = a.Promise
		s.mu.Unlock()
	}
	switch a.Outcome {
	case sdk.LedgerOK:
		return record.OK, ""
	case sdk.LedgerFail:
		return record.Fail, a.Detail
	case sdk.LedgerInfo:
		return record.Info, a.Detail
	}
	return record.Info, fmt.Sprintf("the plugin answers with the outcome %q, which there is not", a.Outcome)
}

func (s *pluginStore) Read(ctx context.Context, run, cursor string) (ledger.Page, error) {
	c, err := s.live.client(ctx, s.key)
	if err != nil {
		return ledger.Page{}, err
	}
	req := s.req
	req.Run = run
	got, err := c.Read(ctx, s.kind, req, cursor)
	switch {
	case errors.Is(err, sdk.ErrFinal), errors.Is(err, sdk.ErrTooLarge), errors.Is(err, sdk.ErrNotOffered):
		return ledger.Page{}, &ledger.FinalError{Err: err}
	case err != nil:
		return ledger.Page{}, err
	}
	page := ledger.Page{Strange: got.Strange, Next: got.Next}
	for _, e := range got.Entries {
		page.Entries = append(page.Entries, ledger.Entry(e))
	}
	return page, nil
}

// Workers are as many as the rate may need.
func (*pluginStore) Workers() int { return 0 }

// Promise is what the plugin said last that its acknowledgements mean.
func (s *pluginStore) Promise() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.promise
}
