package wiring

import (
	"context"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Scenario reads what a scenario says about itself: its name, its tags, its environment. No plugin is configured and no
// target asked. Mistakes elsewhere in its files do not matter for that; its name is empty where it cannot be read.
func Scenario(ctx context.Context, r *Readers, src Source) (plan.Scenario, *Mistakes) {
	m, mistakes := Validate(ctx, r, src)
	draft, _ := m.Draft(nil)
	return draft.Scenario, mistakes
}
