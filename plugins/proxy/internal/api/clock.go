package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// A plain Toxiproxy keeps a toxic until somebody takes it off. One that gameday-plugin-proxy serves has a clock for those
// that carry gameday's mark, and these are the two questions that only it understands.
const (
	ClockPath = "/gameday/clock"
	RenewPath = "/gameday/renew"
)

// Clock is the answer of a server that has one.
type Clock struct {
	// Expiry is how long a toxic with gameday's mark stays when nobody renews it.
	Expiry time.Duration `json:"expiry"`
}

// Renewal lets toxics stay for longer.
type Renewal struct {
	Toxic string        `json:"toxic"`
	For   time.Duration `json:"for"`
}

// ErrLapsed means that the server has taken the toxic away by its clock.
var ErrLapsed = errors.New("the server has ended the fault by its clock")

// Clock asks whether the server has one. Zero is the answer of a plain Toxiproxy.
func (s Server) Clock(ctx context.Context) (time.Duration, error) {
	var c Clock
	err := s.call(ctx, http.MethodGet, ClockPath, nil, &c)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("asking for its clock: %w", err)
	}
	return c.Expiry, nil
}

// Renew winds the clock of a toxic.
func (s Server) Renew(ctx context.Context, toxic string, span time.Duration) error {
	err := s.call(ctx, http.MethodPost, RenewPath, Renewal{Toxic: toxic, For: span}, nil)
	if errors.Is(err, ErrNotFound) {
		return ErrLapsed
	}
	if err != nil {
		return fmt.Errorf("renewing the toxic %s: %w", toxic, err)
	}
	return nil
}
