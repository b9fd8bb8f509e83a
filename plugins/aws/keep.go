package aws

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// errLapsed says that what was to be renewed has ended.
var errLapsed = errors.New("it has ended")

// keeper renews something that AWS would end by itself, for as long as gameday renews the lease and no longer.
type keeper struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// keep begins to renew. A renewal that fails is tried again at the next turn, and AWS's clock decides how long that lasts.
func (p *provider) keep(key string, every time.Duration, renew func(context.Context) error) {
	p.release(key)
	ctx, cancel := context.WithCancel(context.Background())
	k := &keeper{cancel, make(chan struct{})}
	p.mu.Lock()
	if p.keepers == nil {
		p.keepers = map[string]*keeper{}
	}
	p.keepers[key] = k
	p.mu.Unlock()
	go func() {
		defer close(k.done)
		for rest(ctx, every) == nil && p.leaseLasts() {
			err := renew(ctx)
			if errors.Is(err, errLapsed) || missing(err) || ctx.Err() != nil {
				return
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "aws: renewing %s: %v\n", key, err)
			}
		}
	}()
}

// release stops renewing, and returns when no renewal is under way.
func (p *provider) release(key string) {
	p.mu.Lock()
	k := p.keepers[key]
	delete(p.keepers, key)
	p.mu.Unlock()
	if k != nil {
		k.cancel()
		<-k.done
	}
}

func (p *provider) leaseLasts() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.lease)
}
