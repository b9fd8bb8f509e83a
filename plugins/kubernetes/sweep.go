package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/watchdog"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// sweep finds every fault that is recorded in the cluster, the watchdogs that no fault has any more, and what is marked without a
// record.
func (p *provider) sweep(ctx context.Context) ([]sdk.Handle, error) {
	s := p.session()
	recorded, err := s.records.All(ctx)
	if err != nil {
		return nil, err
	}
	bare, err := s.abandoned(ctx, recorded)
	if err != nil {
		return nil, err
	}
	rest, err := s.unrecorded(ctx)
	return slices.Concat(recorded, bare, rest), err
}

// watchdogHandle names an abandoned watchdog. It is undone as the items of any fault are; that of scaling adds nothing to that.
func (s *session) watchdogHandle(run string) (sdk.Handle, error) {
	h := sdk.Handle{
		ID: watchdog.ID(run), Run: run, Plugin: "kubernetes", Version: Version, Fault: scale().name, Steps: s.watchdogSteps(run),
	}
	var err error
	h.Undo, err = json.Marshal(undo[scaled]{Cluster: s.cluster.UID, Server: s.cluster.Server, Context: s.cluster.Context, Items: s.watchdogs.keeper.Items(run)})
	if err != nil {
		err = fmt.Errorf("writing the handle of the watchdog of %s: %w", run, err)
	}
	return h, err
}
