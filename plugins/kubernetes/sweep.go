package kubernetes

import (
	"context"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// sweep finds every fault that is recorded in the cluster.
func (p *provider) sweep(ctx context.Context) ([]sdk.Handle, error) {
	return p.session().records.All(ctx)
}
