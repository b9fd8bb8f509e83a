package shop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/orders"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/shop"
)

// store is a store in memory that can be made to fail.
type store struct {
	mu    sync.Mutex
	fail  error
	block chan struct{}
	puts  []string
	page  func(run string, after uint64, limit int) orders.Page
}

func (s *store) Put(_ context.Context, subject string, data []byte) (uint64, error) {
	s.mu.Lock()
	block := s.block
	s.mu.Unlock()
	if block != nil {
		<-block
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return 0, s.fail
	}
	s.puts = append(s.puts, subject+" "+string(data))
	return uint64(len(s.puts)), nil
}

func (s *store) Page(_ context.Context, run string, after uint64, limit int) (orders.Page, error) {
	return s.page(run, after, limit), nil
}

func (s *store) Connected() bool { return true }

func (s *store) setFail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func newShop(s *store, capacity float64) *shop.Shop {
	return shop.New(shop.Config{Instance: "east-a", Zone: "east-a", Region: "east", Capacity: capacity}, s)
}

func do(s *shop.Shop, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestAnOrderIsTakenOnceTheStoreHasIt(t *testing.T) {
	st := &store{}
	s := newShop(st, 100)
	require.Equal(t, http.StatusServiceUnavailable, do(s, "POST", "/orders", `{}`).Code, "nobody has said yet which region takes orders")
	s.SetActive("east")
	require.Equal(t, http.StatusCreated, do(s, "POST", "/orders", `{"sku":"sku-1"}`).Code)
	require.Equal(t, []string{`orders.new {"sku":"sku-1"}`}, st.puts)

	st.setFail(fmt.Errorf("%w: nobody leads", orders.ErrNotStored))
	require.Equal(t, http.StatusServiceUnavailable, do(s, "POST", "/orders", `{}`).Code)
	st.setFail(context.DeadlineExceeded)
	require.Equal(t, http.StatusGatewayTimeout, do(s, "POST", "/orders", `{}`).Code, "unknown, and it says so")
}

func TestAStandbyRefusesForSure(t *testing.T) {
	st := &store{}
	s := newShop(st, 100)
	s.SetActive("west")
	for _, path := range []string{"/orders", "/ledger"} {
		require.Equal(t, http.StatusConflict, do(s, "POST", path, `{"run":"r","seq":1}`).Code, path)
	}
	require.Equal(t, http.StatusConflict, do(s, "GET", "/healthz", "").Code)
	require.Equal(t, http.StatusOK, do(s, "GET", "/readyz", "").Code, "the instance itself is well")
	require.Empty(t, st.puts)
}

func TestCapacityIsLimitedButInstrumentsAreNot(t *testing.T) {
	s := newShop(&store{}, 0.001)
	s.SetActive("east")
	for range shop.CapacityBurst {
		require.Equal(t, http.StatusCreated, do(s, "POST", "/orders", `{}`).Code)
	}
	w := do(s, "POST", "/orders", `{}`)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), "overloaded")
	require.Equal(t, http.StatusCreated, do(s, "POST", "/ledger", `{"run":"r","seq":1,"worker":0,"time":"x"}`).Code)
}

func TestHealthTellsWhetherTheStoreTakesWrites(t *testing.T) {
	st := &store{}
	s := newShop(st, 100)
	s.SetActive("east")
	require.Equal(t, http.StatusServiceUnavailable, do(s, "GET", "/healthz", "").Code, "nothing has been written yet")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Watch(ctx) }()
	healthy := func() bool { return do(s, "GET", "/healthz", "").Code == http.StatusOK }
	require.Eventually(t, healthy, 5*time.Second, 5*time.Millisecond, "a canary has been written")
	st.setFail(errors.New("no quorum"))
	require.Eventually(t, func() bool { return !healthy() }, 5*time.Second, 5*time.Millisecond)
	require.Equal(t, http.StatusOK, do(s, "GET", "/readyz", "").Code, "an election must not empty the load balancer")
	st.setFail(nil)
	require.Eventually(t, healthy, 5*time.Second, 5*time.Millisecond)
	cancel()
	<-done
}

func TestAFenceWaitsForTheWritesUnderWay(t *testing.T) {
	st := &store{block: make(chan struct{})}
	s := newShop(st, 100)
	s.SetActive("east")
	answered := make(chan int, 1)
	fenced := make(chan struct{})
	go func() { answered <- do(s, "POST", "/orders", `{}`).Code }()
	require.Never(t, func() bool { return len(answered) > 0 }, 50*time.Millisecond, time.Millisecond)
	go func() { defer close(fenced); s.SetActive("") }()
	require.Never(t, func() bool { return isClosed(fenced) }, 50*time.Millisecond, time.Millisecond, "a write is under way")
	close(st.block)
	<-fenced
	require.Equal(t, http.StatusCreated, <-answered)
	require.Equal(t, http.StatusConflict, do(s, "POST", "/orders", `{}`).Code)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestTheLedgerProtocol(t *testing.T) {
	st := &store{}
	s := newShop(st, 100)
	s.SetActive("east")
	require.Equal(t, http.StatusCreated, do(s, "POST", "/ledger", `{"run":"r.1","seq":7,"worker":2,"time":"2026-01-01T00:00:00Z"}`).Code)
	subject, body, _ := strings.Cut(st.puts[0], " ")
	require.Equal(t, orders.LedgerSubject("r.1"), subject)
	require.JSONEq(t, `{"run":"r.1","seq":7,"worker":2,"time":"2026-01-01T00:00:00Z"}`, body)
	for _, bad := range []string{`not json`, `{"seq":1}`} {
		require.Equal(t, http.StatusBadRequest, do(s, "POST", "/ledger", bad).Code, bad)
	}

	st.page = func(run string, after uint64, limit int) orders.Page {
		require.Equal(t, "r.1", run)
		require.Equal(t, uint64(4), after)
		require.Equal(t, 2, limit)
		return orders.Page{Records: []orders.Record{{Run: "r.1", Seq: 7}}, Next: 9}
	}
	w := do(s, "GET", "/ledger?run=r.1&after=4&limit=2", "")
	require.Equal(t, http.StatusOK, w.Code)
	var got map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	require.InDelta(t, 9, got["next"], 0)
	require.Len(t, got["records"], 1)
	for _, bad := range []string{"/ledger", "/ledger?run=r&after=x", "/ledger?run=r&limit=0"} {
		require.Equal(t, http.StatusBadRequest, do(s, "GET", bad, "").Code, bad)
	}
}
