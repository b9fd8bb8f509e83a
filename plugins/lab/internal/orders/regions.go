package orders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// retryPause is how long to wait before asking a store again that has no leader yet.
const retryPause = 50 * time.Millisecond

// base is what the stream is in either role.
func base(region string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: Stream, Storage: jetstream.FileStorage, Replicas: replicas,
		MaxAge: maxAge, MaxBytes: maxBytes, Discard: jetstream.DiscardOld,
		Placement: &jetstream.Placement{Cluster: region, Tags: []string{"region:" + region}},
	}
}

func primary(region string) jetstream.StreamConfig {
	c := base(region)
	c.Subjects = []string{All}
	return c
}

func mirror(region, of string) jetstream.StreamConfig {
	c := base(region)
	c.Mirror = &jetstream.StreamSource{
		Name: Stream, External: &jetstream.ExternalStream{APIPrefix: "$JS." + of + ".API"},
	}
	return c
}

// CreatePrimary makes the stream that takes orders, as soon as the region has elected who decides.
func (s *Store) CreatePrimary(ctx context.Context, region string) error {
	return s.create(ctx, primary(region))
}

// CreateMirror makes the stream that follows another region's. It first waits until the other stream can be seen from
// here: a mirror that does not find its origin at once takes its time to look again.
func (s *Store) CreateMirror(ctx context.Context, region, of string) error {
	far, err := jetstream.NewWithDomain(s.nc, of)
	if err != nil {
		return fmt.Errorf("creating the mirror: %w", err)
	}
	err = retry(ctx, "looking for the origin of the mirror", func(ctx context.Context) error {
		_, err := far.Stream(ctx, Stream)
		return err
	})
	if err != nil {
		return err
	}
	return s.create(ctx, mirror(region, of))
}

func (s *Store) create(ctx context.Context, config jetstream.StreamConfig) error {
	return retry(ctx, "creating the stream of orders", func(ctx context.Context) error {
		_, err := s.js.CreateStream(ctx, config)
		return err
	})
}

// Promote turns a mirror into the stream that takes orders. Promoting one that does already is no error.
func (s *Store) Promote(ctx context.Context, region string) error {
	return retry(ctx, "promoting the mirror", func(ctx context.Context) error {
		_, err := s.js.UpdateStream(ctx, primary(region))
		return err
	})
}

// Fence takes the subjects away from the stream, so that nobody can write to it, however they reach it. Promote gives
// them back.
func (s *Store) Fence(ctx context.Context, region string) error {
	c := base(region)
	c.Subjects = []string{"fenced." + All}
	return retry(ctx, "fencing the stream of orders", func(ctx context.Context) error {
		_, err := s.js.UpdateStream(ctx, c)
		return err
	})
}

// StepDown makes the stream elect another leader.
func (s *Store) StepDown(ctx context.Context) error {
	msg, err := s.nc.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+Stream, nil)
	if err != nil {
		return fmt.Errorf("asking for another leader: %w", err)
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return fmt.Errorf("asking for another leader: %w", err)
	}
	if answer.Error != nil {
		return fmt.Errorf("asking for another leader: %w", answer.Error)
	}
	return nil
}

// Drop deletes the stream and all that it holds; one that is not there is no error.
func (s *Store) Drop(ctx context.Context) error {
	return retry(ctx, "deleting the stream of orders", func(ctx context.Context) error {
		err := s.js.DeleteStream(ctx, Stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil
		}
		return err
	})
}

// Info reads the stream, asking once.
func (s *Store) Info(ctx context.Context) (*jetstream.StreamInfo, error) {
	stream, err := s.js.Stream(ctx, Stream)
	if err != nil {
		return nil, fmt.Errorf("reading the stream of orders: %w", err)
	}
	return stream.CachedInfo(), nil
}

// WaitFor asks again and again until the stream is as wanted, or the context ends.
func (s *Store) WaitFor(ctx context.Context, what string, ok func(*jetstream.StreamInfo) bool) error {
	return retry(ctx, "waiting for "+what, func(ctx context.Context) error {
		info, err := s.Info(ctx)
		if err == nil && !ok(info) {
			return errors.New("not yet")
		}
		return err
	})
}

// retry repeats an act, each attempt with a deadline of its own, until it works or the context ends.
func retry(ctx context.Context, act string, try func(context.Context) error) error {
	for {
		one, cancel := context.WithTimeout(ctx, time.Second)
		err := try(one)
		cancel()
		if err == nil {
			return nil
		}
		t := time.NewTimer(retryPause)
		select {
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("%s: %w (%w)", act, err, ctx.Err())
		case <-t.C:
		}
	}
}
