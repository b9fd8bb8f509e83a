package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/watchdog"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// watchdogOptions say which run a watchdog is for.
type watchdogOptions struct{ namespace, run, kubeconfig string }

// watch returns the exit code of a watchdog. It is one of those of a plugin: 4 says that something is left. Then the Job starts the
// watchdog again.
func (o watchdogOptions) watch(ctx context.Context, log io.Writer) int {
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintf(log, time.Now().UTC().Format(time.RFC3339)+" "+format+"\n", args...)
	}
	k, err := cluster.Connect(ctx, cluster.Config{Kubeconfig: o.kubeconfig, QPS: 50, Burst: 100})
	if err != nil {
		say("error: %v", err)
		return 1
	}
	g := watchdog.Guard{Cluster: k, Namespace: o.namespace, Run: o.run, Version: Version, Name: hostname()}
	say("watching the Lease %s/%s", o.namespace, watchdog.Name(o.run))
	expired, err := g.Watch(ctx)
	if err != nil {
		say("error: %v", err)
		return 1
	}
	if !expired {
		say("the run has ended its watchdog, or the pod is ended: nothing to do")
		return 0
	}
	say("nobody has renewed the Lease: undoing the faults of the run %s", o.run)
	p := &provider{current: newSession(k, o.namespace, watchdogs{})}
	if err := p.relieve(ctx, o.run, say); err != nil {
		say("error: %v", err)
		return sdk.ExitFaultsLeft
	}
	if err := g.Finish(ctx); err != nil {
		say("error: %v", err)
		return 1
	}
	say("nothing is left")
	return 0
}

const (
	reliefBudget  = 10 * time.Minute // for all faults together, before the watchdog is started afresh
	reliefAttempt = time.Minute      // for one fault
	reliefPause   = time.Second      // after a round in which something was left, at first
	reliefLongest = 15 * time.Second
)

// relieve undoes every recorded fault of a run, newest first, and goes round until each is proven gone.
func (p *provider) relieve(ctx context.Context, run string, say func(string, ...any)) error {
	ctx, cancel := context.WithTimeout(ctx, reliefBudget)
	defer cancel()
	left, err := p.recorded(ctx, run)
	for pause := reliefPause; err != nil || len(left) > 0; pause = min(2*pause, reliefLongest) {
		if err != nil {
			say("error: %v", err)
			left, err = p.recorded(ctx, run)
		} else {
			left = slices.DeleteFunc(left, func(h sdk.Handle) bool { return p.relieved(ctx, h, say) })
		}
		if err == nil && len(left) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, fmt.Errorf("%d faults of the run %s are not proven gone: %w", len(left), run, context.Cause(ctx)))
		case <-time.After(pause):
		}
	}
	return nil
}

// recorded are the faults of a run, newest first.
func (p *provider) recorded(ctx context.Context, run string) ([]sdk.Handle, error) {
	all, err := p.session().records.All(ctx)
	return slices.DeleteFunc(all, func(h sdk.Handle) bool { return h.Run != run }), err
}

// relieved undoes one fault, and says whether it is proven gone.
func (p *provider) relieved(ctx context.Context, h sdk.Handle, say func(string, ...any)) bool {
	if err := p.relieveOf(ctx, h); err != nil {
		say("%s: %v", h.ID, err)
		return false
	}
	say("%s is undone", h.ID)
	return true
}

// relieveOf undoes one fault and proves it.
func (p *provider) relieveOf(ctx context.Context, h sdk.Handle) error {
	fault, ok := p.faults()[h.Fault]
	if !ok {
		return fmt.Errorf("version %s of the plugin knows no %s", Version, h.Fault)
	}
	ctx, cancel := context.WithTimeout(ctx, reliefAttempt)
	defer cancel()
	if err := fault.Revert(ctx, h); err != nil {
		return fmt.Errorf("undoing it: %w", err)
	}
	is, err := fault.Inspect(ctx, h)
	if err != nil {
		return fmt.Errorf("looking whether it is gone: %w", err)
	}
	if is.Status != sdk.Inactive {
		return fmt.Errorf("it is still %s: %s", is.Status, is.Evidence)
	}
	return nil
}
