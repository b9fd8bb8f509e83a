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
		out = append(out, engine.Guard{Addr: g.Addr, Expr: g.Expr, For: time.Duration(g.For), Eval: evaluator(compiled)})
	}
	return out, nil
}

// evaluator notes the numbers that a condition looks at, for the journal.
func evaluator(g *guard.Guard) func(engine.Live) (bool, bool, map[string]float64, error) {
	return func(live engine.Live) (bool, bool, map[string]float64, error) {
		seen := map[string]float64{}
		tripped, known, err := g.Eval(guard.LiveFunc(func(addr, attr string) (any, bool) {
			v, ok := live(addr, attr)
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
}
