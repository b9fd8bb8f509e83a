package wiring

import (
	"encoding/json"
	"io"

	"github.com/gameday-toolkit/gameday/internal/alert"
	"github.com/gameday-toolkit/gameday/internal/ledger"
	"github.com/gameday-toolkit/gameday/internal/notify"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/probe/promql"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// misfits are the blocks of the core's own types whose values have the right form and make no sense: an address without a
// port, an expression that does not compile. They are made and thrown away, which opens no connection.
func misfits(d *plan.Draft) (notices []plan.Notice) {
	note := func(addr string, err error) {
		if err != nil {
			notices = append(notices, plan.Notice{Addr: addr, Problem: sdk.Problem{Severity: sdk.Error, Summary: "This cannot work", Detail: err.Error()}})
		}
	}
	reveal := func(config json.RawMessage) json.RawMessage { return plan.Reveal(config, d.Secrets) }
	for _, p := range d.Probes {
		if k, ok := probe.Kinds()[p.Type]; ok && p.Plugin == "" {
			made, err := k.New(reveal(p.Config), probe.Env{})
			note(p.Addr, thrown(made, err))
		}
	}
	for _, l := range d.Ledgers {
		if k, ok := ledger.Kinds()[l.Type]; ok && l.Plugin == "" {
			made, err := k.New(reveal(l.Config), ledger.Env{})
			note(l.Addr, thrown(made, err))
		}
	}
	for _, a := range d.Alerts {
		if k, ok := alert.Kinds()[a.Type]; ok && a.Plugin == "" {
			_, err := k.New(reveal(a.Config), alert.Env{})
			note(a.Addr, err)
		}
	}
	for _, n := range d.Notify {
		if k, ok := notify.Kinds()[n.Type]; ok {
			_, err := k.New(reveal(n.Config))
			note(n.Addr, err)
		}
	}
	for _, s := range d.SLOs {
		if s.Ratio != nil {
			q, err := promql.New(promql.Config{URL: s.Ratio.URL})
			if err == nil {
				q.Close()
			}
			note(s.Addr, err)
		}
	}
	return notices
}

func thrown(made io.Closer, err error) error {
	if err != nil {
		return err
	}
	return made.Close()
}
