package shop

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/orders"
)

// WriteTimeout is how long the shop waits for the store before it answers that it does not know.
const WriteTimeout = 900 * time.Millisecond

// CapacityBurst is how many orders above its rate an instance takes at once.
const CapacityBurst = 10

const (
	maxBody     = 64 << 10
	maxInFlight = 256
)

// Store is what the shop needs of its store.
type Store interface {
	Put(ctx context.Context, subject string, data []byte) (uint64, error)
	Page(ctx context.Context, run string, after uint64, limit int) (orders.Page, error)
	Connected() bool
}

// Config says what one instance is.
type Config struct {
	Instance string
	Zone     string
	Region   string
	// Capacity is how many orders a second it accepts.
	Capacity float64
	// Current says whether the node of the zone is up to date; nil where the node is another process.
	Current func() error
}

// Shop is one instance.
type Shop struct {
	cfg      Config
	store    Store
	limiter  *rate.Limiter
	inFlight atomic.Int64
	// active is the region that takes orders, as the control plane says: nil until it has said so. Writes hold the gate
	// while they are under way, so that a change of active leaves none behind.
	active atomic.Pointer[string]
	gate   sync.RWMutex
	// written is when the store last took a write, in Unix nanoseconds; failed is when it last did not.
	written atomic.Int64
	failed  atomic.Int64
}

// New returns an instance that takes no orders until SetActive.
func New(cfg Config, store Store) *Shop {
	return &Shop{cfg: cfg, store: store, limiter: rate.NewLimiter(rate.Limit(cfg.Capacity), CapacityBurst)}
}

// SetActive tells the instance which region takes orders; none while a failover moves. When it returns, every write
// that began before has ended.
func (s *Shop) SetActive(region string) {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.active.Store(&region)
}

// Handler serves the protocol of the README.
func (s *Shop) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.order)
	mux.HandleFunc("POST /ledger", s.append)
	mux.HandleFunc("GET /ledger", s.read)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /currentz", s.currentz)
	mux.HandleFunc("GET /{$}", s.about)
	return s.bounded(mux)
}

// bounded refuses work beyond what an instance can hold in memory.
func (s *Shop) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.inFlight.Add(-1)
		if s.inFlight.Add(1) > maxInFlight {
			fail(w, http.StatusServiceUnavailable, "overloaded", "too many requests are waiting")
			return
		}
		w.Header().Set("Shop-Instance", s.cfg.Instance)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// takesOrders answers the request itself where this region does not take orders.
func (s *Shop) takesOrders(w http.ResponseWriter) bool {
	switch active := s.active.Load(); {
	case active == nil:
		fail(w, http.StatusServiceUnavailable, "starting", "the instance does not know yet which region takes orders")
	case *active != s.cfg.Region:
		fail(w, http.StatusConflict, "standby", s.cfg.Region+" does not take orders now")
	default:
		return true
	}
	return false
}

// put stores a message and answers for it.
func (s *Shop) put(w http.ResponseWriter, r *http.Request, subject string, data []byte) (uint64, bool) {
	seq, err := s.write(r.Context(), subject, data)
	switch {
	case err == nil:
		return seq, true
	case errors.Is(err, orders.ErrNotStored):
		fail(w, http.StatusServiceUnavailable, "no_leader", err.Error())
	default:
		fail(w, http.StatusGatewayTimeout, "unknown", err.Error())
	}
	return 0, false
}

func (s *Shop) write(ctx context.Context, subject string, data []byte) (uint64, error) {
	// A client that goes away must not make a write ambiguous that would have been acknowledged a moment later.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), WriteTimeout)
	defer cancel()
	seq, err := s.store.Put(ctx, subject, data)
	if err != nil {
		s.failed.Store(time.Now().UnixNano())
		return 0, err
	}
	s.written.Store(time.Now().UnixNano())
	return seq, nil
}
