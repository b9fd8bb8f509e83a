package wiring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/alert"
	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// sources makes everything that watches from a plan. Secrets are revealed here, in memory, and nowhere else.
type sources struct {
	plan *plan.Plan
	run  string
	live *Live
}

func (s *sources) reveal(config json.RawMessage) json.RawMessage {
	return plan.Reveal(config, s.plan.Secrets)
}

func (s *sources) probes() (out []engine.Probe, err error) {
	for _, p := range s.plan.Probes {
		ep := engine.Probe{Addr: p.Addr, Rate: p.Rate, Timeout: time.Duration(p.Timeout)}
		if p.Plugin == "" {
			if ep.Latency, err = probe.Latency(s.reveal(p.Config)); err != nil {
				return nil, fmt.Errorf("%s: %w", p.Addr, err)
			}
		}
		ep.Run = func(ctx context.Context, base time.Time, sched sample.Schedule, emit func([]sample.Sample, []probe.Detail)) (err error) {
			prober, err := s.prober(p, base)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, prober.Close()) }()
			return probe.Run(ctx, base, probe.Options{Schedule: sched, Timeout: ep.Timeout, Latency: ep.Latency}, prober, emit)
		}
		out = append(out, ep)
	}
	return out, nil
}

func (s *sources) prober(p plan.Probe, base time.Time) (probe.Prober, error) {
	if p.Plugin != "" {
		return &pluginProber{s.pluginBlock(p.Plugin, p.Type, p.Addr, p.Config)}, nil
	}
	k, ok := probe.Kinds()[p.Type]
	if !ok {
		return nil, fmt.Errorf("%s: there is no probe of type %q in this gameday", p.Addr, p.Type)
	}
	return k.New(s.reveal(p.Config), probe.Env{Base: base})
}

func (s *sources) ratios() (out []engine.Ratio, err error) {
	for _, slo := range s.plan.SLOs {
		if slo.Ratio == nil {
			continue
		}
		c, err := s.ratioConfig(slo)
		if err != nil {
			return nil, err
		}
		out = append(out, engine.Ratio{Addr: slo.Addr, Run: func(ctx context.Context, base time.Time, emit func(journal.PointBody)) error {
			return probe.PollRatio(ctx, base, c, func(p probe.Point) {
				b := journal.PointBody{From: p.From, To: p.To, Good: p.Good, Total: p.Total, Resolution: p.Resolution}
				if p.Err != nil {
					b.Err = p.Err.Error()
				}
				emit(b)
			})
		}})
	}
	return out, nil
}

func (s *sources) ratioConfig(slo plan.SLO) (probe.RatioConfig, error) {
	r := slo.Ratio
	c := probe.RatioConfig{URL: r.URL, Good: r.Good, Total: r.Total, Interval: time.Duration(r.Interval), Scrape: time.Duration(r.Scrape)}
	if len(r.Headers) > 0 {
		if err := json.Unmarshal(s.reveal(r.Headers), &c.Headers); err != nil {
			return c, fmt.Errorf("%s: reading the headers: %w", slo.Addr, err)
		}
	}
	return c, nil
}

func (s *sources) alerts() (out []engine.Alert, err error) {
	for _, a := range s.plan.Alerts {
		w, err := s.watcher(a)
		if err != nil {
			return nil, err
		}
		out = append(out, engine.Alert{Addr: a.Addr, Run: func(ctx context.Context, base time.Time, emit func(time.Duration, journal.AlertBody)) error {
			return w.Watch(ctx, base, func(st alert.State) {
				b := journal.AlertBody{Firing: st.Firing, Poll: st.Poll, Summary: st.Summary}
				if st.Err != nil {
					b.Err = st.Err.Error()
				}
				emit(st.At, b)
			})
		}})
	}
	return out, nil
}

func (s *sources) watcher(a plan.Alert) (alert.Watcher, error) {
	if a.Plugin != "" {
		return s.pluginAlert(a), nil
	}
	k, ok := alert.Kinds()[a.Type]
	if !ok {
		return nil, fmt.Errorf("%s: there is no alert of type %q in this gameday", a.Addr, a.Type)
	}
	w, err := k.New(s.reveal(a.Config), alert.Env{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Addr, err)
	}
	return w, nil
}

// events listens to what the plugins' systems notice by themselves. Not every plugin has that to offer.
func (s *sources) events() (out []engine.EventSource) {
	for _, p := range s.plan.Plugins {
		out = append(out, engine.EventSource{Plugin: p.Key(), Run: func(ctx context.Context, emit func(sdk.Event)) error {
			c, err := s.live.client(ctx, p.Key())
			if err == nil {
				err = c.Events(ctx, emit)
			}
			if errors.Is(err, sdk.ErrNotOffered) {
				return nil
			}
			return err
		}})
	}
	return out
}
