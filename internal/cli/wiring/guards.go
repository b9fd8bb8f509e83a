package wiring

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/guard"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// guards compiles the conditions of a plan.
func guards(p *plan.Plan) (out []engine.Guard, err error) {
	for _, g := range p.Guards {
		compiled, err := guard.Compile(g)
		if err != nil {
			return nil, err
		}
		e := &evaluator{guard: compiled}
		out = append(out, engine.Guard{Addr: g.Addr, Expr: g.Expr, For: time.Duration(g.For), Eval: e.eval, Near: e.near})
	}
	return out, nil
}

// evaluator remembers what a condition looked at, so that how near it was is said of the same moment.
type evaluator struct {
	guard *guard.Guard
	last  map[[2]string]any
}

// eval notes the numbers, for the journal.
func (e *evaluator) eval(live engine.Live) (bool, bool, map[string]float64, error) {
	seen := map[string]float64{}
	e.last = map[[2]string]any{}
	tripped, known, err := e.guard.Eval(guard.LiveFunc(func(addr, attr string) (any, bool) {
		v, ok := live(addr, attr)
		if ok {
			e.last[[2]string{addr, attr}] = v
		}
		switch x := v.(type) {
		case float64:
			seen[addr+"."+attr] = x
		case bool:
			seen[addr+"."+attr] = map[bool]float64{true: 1}[x]
		}
		return v, ok
	}))
	return tripped, known, seen, err
}

func (e *evaluator) near() (float64, bool) {
	return e.guard.Near(guard.LiveFunc(func(addr, attr string) (any, bool) {
		v, ok := e.last[[2]string{addr, attr}]
		return v, ok
	}))
}
