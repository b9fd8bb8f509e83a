package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// final marks an error that waiting longer cannot heal.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

const (
	pollEvery   = 50 * time.Millisecond
	pollTimeout = 5 * time.Second // of one look; a stopped server must not hold up the deadline
)

// poll looks until the condition holds, or the context ends. Its error then is the last one of the condition.
func poll(ctx context.Context, condition func(context.Context) error) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	last := errors.New("not looked at yet")
	for {
		err := look(ctx, condition)
		if err == nil {
			return nil
		}
		if stop := (final{}); errors.As(err, &stop) {
			return stop.error
		}
		if ctx.Err() == nil { // else the error only says that the wait was cut short
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last: %w)", ctx.Err(), last)
		case <-ticker.C:
		}
	}
}

func look(ctx context.Context, condition func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	return condition(ctx)
}
