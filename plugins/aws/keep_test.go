package aws

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What AWS would end by itself is renewed for as long as the lease lasts, and no longer.
func TestAKeeperFollowsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{}
		p.leased(time.Now().Add(5 * time.Minute))
		var renewed atomic.Int64
		p.keep("shift", time.Minute, func(context.Context) error {
			if renewed.Add(1) == 2 {
				return errors.New("AWS is busy")
			}
			return nil
		})
		time.Sleep(3*time.Minute + time.Second)
		require.EqualValues(t, 3, renewed.Load(), "one that failed does not end it")
		p.leased(time.Now().Add(2 * time.Minute))
		time.Sleep(time.Hour)
		require.EqualValues(t, 5, renewed.Load(), "the lease is over")
		p.release("shift")
	})
}

func TestAKeeperEndsWithWhatItKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{}
		p.leased(time.Now().Add(time.Hour))
		var renewed atomic.Int64
		p.keep("gone", time.Minute, func(context.Context) error { renewed.Add(1); return errLapsed })
		p.keep("released", time.Minute, func(context.Context) error { renewed.Add(1); return nil })
		p.release("released")
		time.Sleep(10 * time.Minute)
		require.EqualValues(t, 1, renewed.Load())
		p.release("gone")
	})
}
