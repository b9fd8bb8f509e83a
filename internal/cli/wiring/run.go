package wiring

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gameday-toolkit/gameday/internal/action"
	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Ask puts the instruction of a manual step to a person and waits for the answer.
type Ask func(ctx context.Context, addr, title, instruction string) (by, answer string, err error)

// Config gives the engine all that a plan needs. What is the run's own (its journal, its observer, how a person stops it)
// is for the caller to add.
func Config(p *plan.Plan, run string, live *Live, ask Ask) (engine.Config, error) {
	s := &sources{plan: p, run: run, live: live}
	c := engine.Config{Plan: p, Open: live.Open, Act: act(p, run, ask), Trouble: live.Trouble(), Events: s.events()}
	var err error
	if c.Probes, err = s.probes(); err != nil {
		return c, err
	}
	if c.Ratios, err = s.ratios(); err != nil {
		return c, err
	}
	if c.Ledgers, err = s.ledgers(); err != nil {
		return c, err
	}
	if c.Alerts, err = s.alerts(); err != nil {
		return c, err
	}
	if c.Guards, err = guards(p); err != nil {
		return c, err
	}
	again, err := guards(p) // those of the engine are its own
	if err != nil {
		return c, err
	}
	c.Checks = s.checks(again)
	return c, nil
}

// act carries out the core's own actions.
func act(p *plan.Plan, run string, ask Ask) func(context.Context, plan.Action, json.RawMessage) (engine.Said, error) {
	kinds := action.Kinds()
	return func(ctx context.Context, a plan.Action, config json.RawMessage) (engine.Said, error) {
		k, ok := kinds[a.Type]
		if !ok {
			return engine.Said{}, fmt.Errorf("there is no action of type %q in this gameday", a.Type)
		}
		env := action.Env{Dir: p.Dir, Run: run}
		if ask != nil {
			env.Ask = func(ctx context.Context, title, instruction string) (string, string, error) {
				return ask(ctx, a.Addr, title, instruction)
			}
		}
		said, err := k.Run(ctx, env, config)
		return engine.Said(said), err
	}
}
