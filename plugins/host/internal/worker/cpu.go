package worker

import (
	"context"
	"slices"

	"github.com/gameday-toolkit/gameday/plugins/sdk/pressure"
)

// burn keeps cores busy.
func burn(ctx context.Context, s Spec, ready func() error) error {
	defer pressure.Cores(ctx, slices.Repeat([]float64{s.Percent / 100}, s.Cores)...)()
	if err := ready(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
