package lang

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Bounds of pace. In flight are as many as rate times timeout, when the system hangs.
const (
	maxRate       = 100_000
	maxLedgerRate = 10_000
	maxInFlight   = 1_000_000
)

func (b *body) target() {
	t := plan.TargetSet{Addr: b.inst.addr, Type: b.d.typ, Plugin: b.d.plugin, Config: b.conf, OnEmpty: b.str("on_empty"), Pos: b.pos()}
	t.Count = b.whole("count")
	t.Percent = b.number("percent", 100)
	if t.Count > 0 && t.Percent > 0 {
		b.fail("percent", "A target has both count and percent", "Remove one of them.")
	}
	b.s.ev.draft.Targets = append(b.s.ev.draft.Targets, t)
}

func (b *body) probe() {
	p := plan.Probe{Addr: b.inst.addr, Type: b.d.typ, Plugin: b.d.plugin, Config: b.conf, Pos: b.pos()}
	p.Rate = b.number("rate", maxRate)
	p.Timeout = b.positive("timeout")
	b.inFlight(p.Rate, p.Timeout)
	b.s.ev.draft.Probes = append(b.s.ev.draft.Probes, p)
}

func (b *body) inFlight(rate float64, timeout plan.Duration) {
	if n := rate * time.Duration(timeout).Seconds(); n > maxInFlight && rate <= maxRate {
		b.fail("timeout", "Too many questions would be open at once", "A rate of %s a second and a timeout of %s keep %s open when the system hangs; at most %s are possible. Lower one of them.",
			plain(rate), timeout, plain(n), plain(maxInFlight))
	}
}

func (b *body) ledger() {
	l := plan.Ledger{Addr: b.inst.addr, Type: b.d.typ, Plugin: b.d.plugin, Config: b.conf, Pos: b.pos()}
	l.Rate = b.number("rate", maxLedgerRate)
	l.Timeout = b.positive("timeout")
	b.inFlight(l.Rate, l.Timeout)
	b.s.ev.draft.Ledgers = append(b.s.ev.draft.Ledgers, l)
}

func (b *body) alert() {
	a := plan.Alert{Addr: b.inst.addr, Type: b.d.typ, Plugin: b.d.plugin, Config: b.conf, Pos: b.pos()}
	a.Interval = b.positive("interval")
	b.s.ev.draft.Alerts = append(b.s.ev.draft.Alerts, a)
}

func (b *body) slo() {
	s := plan.SLO{Addr: b.inst.addr, Description: b.str("description"), Probe: b.ref("probe"), Pos: b.pos()}
	s.Target = b.number("target", 100)
	s.Window, s.Period = b.positive("window"), b.positive("period")
	s.Ratio = b.ratio()
	b.openSLO(&s)
	switch {
	case !b.given("target") && !b.given("openslo"):
		b.incomplete("The SLO has no target", "Say how many percent of the answers must be good: target = 99.9")
	case b.given("openslo") && (b.given("probe") || len(blocksOf(b.d.block.Body, "prometheus")) > 0):
		b.fail("openslo", "The SLO counts two things", "Remove openslo, or the probe or prometheus block beside it.")
	case b.given("openslo"): // has what it counts, or a mistake that has been reported
	case b.given("probe") && s.Ratio != nil:
		b.fail("probe", "The SLO has both a probe and a prometheus block", "Remove one of them.")
	case !b.given("probe") && s.Ratio == nil && len(blocksOf(b.d.block.Body, "prometheus")) == 0:
		b.incomplete("The SLO has nothing to count", "Add probe = probe.TYPE.NAME, or a prometheus block with url, good and total.")
	}
	b.s.ev.draft.SLOs = append(b.s.ev.draft.SLOs, s)
}

func (b *body) ratio() *plan.Ratio {
	m, ok := b.core["prometheus"].(map[string]any)
	if !ok {
		return nil
	}
	r := &plan.Ratio{URL: text(m, "url"), Good: text(m, "good"), Total: text(m, "total"), Interval: duration(m, "interval"), Scrape: duration(m, "scrape_interval")}
	if m["headers"] != nil {
		r.Headers = mustJSON(m["headers"])
	}
	for _, name := range []string{"interval", "scrape_interval"} {
		if m[name] != nil && duration(m, name) <= 0 {
			b.s.ev.add(fail(b.at([]string{"prometheus", name}), "The value of "+name+" is zero", "Write a duration longer than zero, such as \"5s\"."))
		}
	}
	return r
}

// window is the default of an SLO: the longer of a second and 20 samples, as MEASURES says. A pair of Prometheus
// counters has a difference only between two polls, so two of the slower of poll and scrape is the least.
func window(s plan.SLO, rates map[string]float64) plan.Duration {
	w := time.Second
	if s.Ratio != nil {
		w = max(w, 2*time.Duration(max(s.Ratio.Interval, s.Ratio.Scrape)))
	} else if rate := rates[s.Probe]; rate > 0 {
		w = max(w, time.Duration(20/rate*float64(time.Second)))
	}
	return plan.Duration(w)
}

// finish fills in what needs the whole draft.
func (ev *evaluator) finish() {
	rates := map[string]float64{}
	for _, p := range ev.draft.Probes {
		rates[p.Addr] = p.Rate
	}
	for i := range ev.draft.SLOs {
		if s := &ev.draft.SLOs[i]; s.Window == 0 {
			s.Window = window(*s, rates)
		}
	}
}
