package balancer_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/balancer"
)

// instance is a backend that says its name and can fall ill.
type instance struct {
	*httptest.Server
	name string
	ill  atomic.Bool
}

func newInstance(t *testing.T, name string) *instance {
	i := &instance{name: name}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.ill.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, name)
	}))
	t.Cleanup(i.Close)
	return i
}

// region is a balancer over instances.
type region struct {
	*balancer.Balancer
	mu       sync.Mutex
	backends []balancer.Backend
	changes  []balancer.Status
}

func start(t *testing.T, instances ...*instance) *region {
	r := &region{}
	for _, i := range instances {
		r.backends = append(r.backends, balancer.Backend{Name: i.name, Zone: i.name, Addr: i.Listener.Addr().String()})
	}
	r.Balancer = balancer.New(func(context.Context) ([]balancer.Backend, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.backends, nil
	}, func(s balancer.Status) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changes = append(r.changes, s)
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

// ask sends a request and says who answered, or with which status.
func (r *region) ask() string {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/orders", nil))
	if w.Code != http.StatusOK {
		return http.StatusText(w.Code)
	}
	return w.Body.String()
}

func (r *region) healthy() int {
	n := 0
	for _, s := range r.Status() {
		if s.Healthy {
			n++
		}
	}
	return n
}

func (r *region) told() []balancer.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]balancer.Status(nil), r.changes...)
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 10*time.Second, 5*time.Millisecond, what)
}

func TestRequestsAreSpreadEvenlyAndASickBackendGetsNone(t *testing.T) {
	a, b, c := newInstance(t, "a"), newInstance(t, "b"), newInstance(t, "c")
	r := start(t, a, b, c)
	waitFor(t, "all are healthy", func() bool { return r.healthy() == 3 })
	require.Empty(t, r.told(), "the first verdict is no news")
	got := map[string]int{}
	for range 30 {
		got[r.ask()]++
	}
	require.Equal(t, map[string]int{"a": 10, "b": 10, "c": 10}, got)

	b.ill.Store(true)
	began := time.Now()
	waitFor(t, "b is taken out", func() bool { return r.healthy() == 2 })
	require.Greater(t, time.Since(began), balancer.CheckInterval*(balancer.FallThreshold-2), "one bad check is not enough")
	for range 10 {
		require.NotEqual(t, http.StatusText(http.StatusServiceUnavailable), r.ask())
	}
	b.ill.Store(false)
	waitFor(t, "b is back", func() bool { return r.healthy() == 3 })
	waitFor(t, "both changes are told", func() bool { return len(r.told()) == 2 })
	require.Equal(t, "b", r.told()[0].Name)
	require.False(t, r.told()[0].Healthy)
	require.True(t, r.told()[1].Healthy)
}

func TestWhenAllAreSickAllAreTried(t *testing.T) {
	a := newInstance(t, "a")
	a.ill.Store(true)
	r := start(t, a)
	waitFor(t, "a is known", func() bool { return len(r.Status()) == 1 })
	require.Equal(t, http.StatusText(http.StatusServiceUnavailable), r.ask())
	a.ill.Store(false)
	require.Equal(t, "a", r.ask(), "before any check has passed")
}

func TestAnInstanceThatIsTakenAwayGetsNoMore(t *testing.T) {
	a, b := newInstance(t, "a"), newInstance(t, "b")
	r := start(t, a, b)
	waitFor(t, "both are healthy", func() bool { return r.healthy() == 2 })
	r.mu.Lock()
	r.backends = r.backends[:1]
	r.mu.Unlock()
	waitFor(t, "b is forgotten", func() bool { return len(r.Status()) == 1 })
	require.Equal(t, "a", r.ask())
	require.Equal(t, "a", r.ask())
}

func TestWithoutABackendTheAnswerSaysSo(t *testing.T) {
	r := start(t)
	require.Equal(t, http.StatusText(http.StatusServiceUnavailable), r.ask())
}
