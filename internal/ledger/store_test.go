package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

type values = map[string]any

func newStore(t *testing.T, kind string, cfg values) Store {
	t.Helper()
	raw, err := json.Marshal(cfg)
	require.NoError(t, err)
	s, err := Kinds()[kind].New(raw, Env{Run: "r1", Base: time.Now()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// writeFor writes for a while and gives the attempts in the order of their numbers.
func writeFor(t *testing.T, length time.Duration, o Options, s Store) []record.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var all []record.Record
	require.NoError(t, Run(ctx, "r1", time.Now(), o, s, func(r []record.Record, _ []string) { all = append(all, r...) }))
	slices.SortFunc(all, func(a, b record.Record) int { return int(a.Seq) - int(b.Seq) })
	return all
}

func outcomes(all []record.Record) (ok, fail, info int) {
	for _, r := range all {
		switch r.Outcome {
		case record.OK:
			ok++
		case record.Fail:
			fail++
		case record.Info:
			info++
		}
	}
	return ok, fail, info
}

// server speaks the protocol, and can be made to misbehave.
type server struct {
	mu      sync.Mutex
	stored  []Entry
	status  int          // instead of storing
	hang    bool         // store, and never say so
	pages   atomic.Int64 // of read-backs
	busy    atomic.Int64 // reads to refuse first
	cursors bool         // as strings
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.write(w, r)
		return
	}
	if s.busy.Add(-1) >= 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.pages.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	after, _ := strconv.Atoi(r.FormValue("after"))
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	end := min(len(s.stored), after+limit)
	next := any(nil)
	if end < len(s.stored) {
		next = end
		if s.cursors {
			next = strconv.Itoa(end)
		}
	}
	_ = json.NewEncoder(w).Encode(values{"records": append([]Entry{}, s.stored[after:end]...), "next": next})
}

// set changes the server between two requests.
func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) write(w http.ResponseWriter, r *http.Request) {
	var e Entry
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil || r.Header.Get("X-Key") != "k" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	status, hang := s.status, s.hang
	if status == 0 {
		s.stored = append(s.stored, e)
	}
	s.mu.Unlock()
	switch {
	case hang:
		<-r.Context().Done()
	case status != 0:
		w.WriteHeader(status)
	default:
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"stored":1}`)
	}
}

func startServer(t *testing.T) (*server, Store) {
	s := &server{}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, newStore(t, "http", values{"write": values{"url": h.URL + "/ledger", "sensitive_headers": values{"X-Key": "k"}}})
}

func TestWhatWasAcknowledgedIsReadBack(t *testing.T) {
	s, store := startServer(t)
	for _, cursors := range []bool{false, true} {
		s.set(func() { s.stored, s.cursors = nil, cursors })
		all := writeFor(t, 300*time.Millisecond, Options{Schedule: sample.Schedule{Rate: 5000}, Timeout: 10 * time.Second, Workers: 8}, store)
		ok, fail, info := outcomes(all)
		require.Greater(t, ok, 100)
		require.Zero(t, fail+info)
		attempted := all[len(all)-1].Seq + 1
		s.pages.Store(0)
		s.busy.Store(2) // the first pages fail: tried again
		back, err := Read(t.Context(), store, ReadBackOptions{Run: "r1", Attempted: attempted, Retry: time.Millisecond})
		require.NoError(t, err)
		require.Zero(t, back.UnexpectedCount)
		for _, r := range all {
			require.LessOrEqual(t, r.Attempt, r.Acked)
			require.Equal(t, 1, back.Count(r.Seq))
		}
		require.EqualValues(t, (len(s.stored)+pageLimit-1)/pageLimit, s.pages.Load())
	}
}

func TestReadBackFindsWhatIsMissingDoubleAndStrange(t *testing.T) {
	s, store := startServer(t)
	at := time.Now()
	for _, seq := range []uint64{0, 1, 1, 3, 99} {
		s.stored = append(s.stored, Entry{Run: "r1", Seq: seq, Time: at})
	}
	s.stored = append(s.stored, Entry{Run: "other", Seq: 2})
	back, err := Read(t.Context(), store, ReadBackOptions{Run: "r1", Attempted: 5})
	require.NoError(t, err)
	require.Equal(t, []bool{true, true, false, true, false}, []bool{back.Has(0), back.Has(1), back.Has(2), back.Has(3), back.Has(4)})
	require.True(t, back.Duplicated(1))
	require.False(t, back.Duplicated(0))
	require.False(t, back.Has(99))
	require.Equal(t, 2, back.UnexpectedCount)
	require.Contains(t, back.Unexpected[0], "record 99")
	require.Contains(t, back.Unexpected[1], `run "other"`)
}

func TestReadBackOfAStoreThatIsGoneIsAnError(t *testing.T) {
	h := httptest.NewServer(http.NotFoundHandler())
	store := newStore(t, "http", values{"write": values{"url": h.URL}})
	for _, gone := range []bool{false, true} {
		if gone {
			h.Close()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := Read(ctx, store, ReadBackOptions{Run: "r1", Attempted: 5, Retry: time.Millisecond})
		cancel()
		require.ErrorContains(t, err, "reading the ledger back")
	}
}

func TestPagesThatAreNone(t *testing.T) {
	for _, body := range []string{"", "[]", "{}", `{"records":1}`, "<html>"} {
		_, err := decodePage([]byte(body))
		require.Error(t, err, body)
	}
	page, err := decodePage([]byte(`{"records":[{"run":"r1"},{"seq":-1},5,{"seq":7}],"next":""}`))
	require.NoError(t, err)
	require.Len(t, page.Strange, 3, "a record without a number is not record 0")
	require.Len(t, page.Entries, 1)
	require.Empty(t, page.Next)
}

func TestOutcomesOfTheHTTPProtocol(t *testing.T) {
	s, store := startServer(t)
	hangs := false
	write := func(store Store) string {
		wait := 10 * time.Second
		if hangs {
			wait = 200 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		o, detail := store.Write(ctx, Entry{Run: "r1", Time: time.Now()})
		require.Equal(t, o == record.OK, detail == "")
		return o.String()
	}
	require.Equal(t, "ok", write(store))
	for status, want := range map[int]string{400: "fail", 409: "fail", 429: "fail", 500: "info", 503: "info", 202: "info", 302: "info"} {
		s.set(func() { s.status = status })
		require.Equal(t, want, write(store), status)
	}
	s.set(func() { s.status, s.hang = 0, true })
	hangs = true
	require.Equal(t, "info", write(store), "a timeout after it was sent")
	hangs = false

	refused, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, refused.Close())
	require.Equal(t, "fail", write(newStore(t, "http", values{"write": values{"url": "http://" + refused.Addr().String()}})), "nothing was sent")

	cut, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer cut.Close()
	go func() {
		for {
			conn, err := cut.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			conn.Close()
		}
	}()
	require.Equal(t, "info", write(newStore(t, "http", values{"write": values{"url": "http://" + cut.Addr().String()}})), "the connection was lost after it was sent")
}

// memory is a store that keeps what it is given, after a time.
type memory struct {
	mu     sync.Mutex
	took   time.Duration
	writes map[uint64]int
	open   int
	most   int
}

func (m *memory) Write(ctx context.Context, e Entry) (record.Outcome, string) {
	m.mu.Lock()
	m.open++
	m.most = max(m.most, m.open)
	m.mu.Unlock()
	defer func() { m.mu.Lock(); m.open--; m.mu.Unlock() }()
	select {
	case <-time.After(m.took):
	case <-ctx.Done():
		return record.Info, "timeout"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes[e.Seq]++
	return record.OK, ""
}

func (m *memory) Read(context.Context, string, string) (Page, error) { return Page{}, nil }
func (m *memory) Workers() int                                       { return 0 }
func (m *memory) Close() error                                       { return nil }

func TestEachRecordIsAttemptedOnceAtItsPlace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := Options{
			Schedule: sample.Schedule{Phase: time.Duration(rapid.Int64Range(0, 1e9).Draw(rt, "phase")), Rate: rapid.Float64Range(1, 300).Draw(rt, "rate")},
			Timeout:  time.Duration(rapid.Int64Range(1e6, 2e9).Draw(rt, "timeout")),
			Workers:  rapid.IntRange(0, 5).Draw(rt, "workers"),
		}
		m := &memory{took: time.Duration(rapid.Int64Range(0, 2e9).Draw(rt, "took")), writes: map[uint64]int{}}
		var all []record.Record
		synctest.Test(t, func(t *testing.T) { all = writeFor(t, 3*time.Second, o, m) })
		seen := map[uint64]bool{}
		for _, r := range all {
			require.False(rt, seen[r.Seq])
			seen[r.Seq] = true
			require.GreaterOrEqual(rt, r.Attempt, o.Schedule.Intended(r.Seq))
			require.LessOrEqual(rt, r.Attempt-o.Schedule.Intended(r.Seq), tolerance)
			require.LessOrEqual(rt, r.Acked-r.Attempt, o.Timeout)
			if r.Outcome == record.OK {
				require.Equal(rt, 1, m.writes[r.Seq])
			}
		}
		if o.Workers > 0 {
			require.LessOrEqual(rt, m.most, o.Workers)
		} else { // never too few
			require.InDelta(rt, float64(o.Schedule.Seq(3*time.Second)), len(all), 1)
		}
	})
}

func TestAPanicOfAStoreEndsTheRun(t *testing.T) {
	err := Run(t.Context(), "r1", time.Now(), Options{Schedule: sample.Schedule{Rate: 1000}, Timeout: time.Second}, &panicking{}, func([]record.Record, []string) {})
	require.ErrorContains(t, err, "oh dear")
}

type panicking struct{ memory }

func (*panicking) Write(context.Context, Entry) (record.Outcome, string) { panic("oh dear") }
func (*panicking) Workers() int                                          { return 0 }

func TestMistakesInABlock(t *testing.T) {
	for kind, blocks := range map[string][]string{
		"http":     {`{}`, `{"write":{"url":"ftp://x"}}`, `{"write":{"url":"http://x"},"resolver":"x"}`, `{"write":5}`},
		"nats":     {`{}`, `{"urls":["nats://x"],"subject":"a.>"}`, `{"urls":5}`},
		"postgres": {`{}`, `{"hosts":["a b"]}`, `{"hosts":["x:0"]}`, `{"hosts":["x"],"synchronous_commit":"maybe"}`, `{"hosts":["x"],"target_session_attrs":"y"}`, `{"hosts":["x"],"resolver":"x"}`, `{"hosts":5}`},
		"redis":    {`{}`, `{"hosts":["x"]}`, `{"hosts":["x:1"],"keep":"1ms"}`, `{"hosts":["x:1"],"replicas":-1}`, `{"hosts":5}`},
	} {
		for _, b := range blocks {
			_, err := Kinds()[kind].New([]byte(b), Env{})
			require.Error(t, err, b)
		}
	}
}
