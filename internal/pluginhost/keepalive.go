package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// KeepAlive renews the plugin's lease three times in its length, until ctx ends or the plugin is stopped. The channel
// yields one error if the lease is lost, which means that the plugin reverts its faults or is dead, and is closed at
// the end either way. One renewal that fails is tried again while the lease lasts.
func (p *Plugin) KeepAlive(ctx context.Context, lease time.Duration) <-chan error {
	lost := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(p.ctx, cancel)
	p.jobs.Go(func() {
		defer close(lost)
		defer cancel()
		defer unlink()
		err := p.renewals(ctx, lease)
		var died *diedError
		switch {
		case errors.As(err, &died):
			lost <- err
		case err != nil:
			lost <- fmt.Errorf("keeping the lease of plugin %s: %w", p.Alias, err)
		}
	})
	return lost
}

func (p *Plugin) renewals(ctx context.Context, lease time.Duration) error {
	tick := time.NewTicker(lease / 3)
	defer tick.Stop()
	for last := time.Now(); ; {
		err := p.renew(ctx, lease/3)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			last = time.Now()
		case errors.Is(err, sdk.ErrGone), errors.Is(err, sdk.ErrLeaseExpired), errors.Is(err, sdk.ErrOutOfOrder):
			return err
		case time.Since(last) > lease:
			return fmt.Errorf("no renewal within %v: %w", lease, err)
		}
		select {
		case <-tick.C:
		case <-p.Exited():
			if ctx.Err() == nil {
				return p.renew(ctx, lease/3) // for the explanation in its error
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (p *Plugin) renew(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return p.Renew(ctx)
}
