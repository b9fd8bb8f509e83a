package shop

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/orders"
)

// The pages of a ledger.
const (
	defaultLimit = 500
	maxLimit     = 5000
)

func (s *Shop) order(w http.ResponseWriter, r *http.Request) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if !s.takesOrders(w) {
		return
	}
	if !s.limiter.Allow() {
		fail(w, http.StatusServiceUnavailable, "overloaded", "the instance is at its capacity")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fail(w, http.StatusBadRequest, "bad_request", "the order could not be read")
		return
	}
	if seq, ok := s.put(w, r, orders.New, body); ok {
		answer(w, http.StatusCreated, map[string]any{"order": seq, "instance": s.cfg.Instance})
	}
}

// append stores one record of a ledger. It is an instrument, so it spends nothing of the instance's capacity.
func (s *Shop) append(w http.ResponseWriter, r *http.Request) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if !s.takesOrders(w) {
		return
	}
	var rec orders.Record
	if err := json.NewDecoder(r.Body).Decode(&rec); err != nil {
		fail(w, http.StatusBadRequest, "bad_request", "the record is not JSON: "+err.Error())
		return
	}
	if rec.Run == "" || len(rec.Run) > 256 {
		fail(w, http.StatusBadRequest, "bad_request", "a record needs a run of at most 256 bytes")
		return
	}
	data, err := json.Marshal(rec)
	if err != nil {
		fail(w, http.StatusBadRequest, "bad_request", err.Error())
		return
	}
	if seq, ok := s.put(w, r, orders.LedgerSubject(rec.Run), data); ok {
		answer(w, http.StatusCreated, map[string]any{"stored": seq})
	}
}

func (s *Shop) read(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, err := number(q.Get("after"), 0)
	limit, err2 := number(q.Get("limit"), defaultLimit)
	if err != nil || err2 != nil || q.Get("run") == "" || limit == 0 {
		fail(w, http.StatusBadRequest, "bad_request", "use /ledger?run=ID&after=N&limit=M")
		return
	}
	page, err := s.store.Page(r.Context(), q.Get("run"), after, int(min(limit, maxLimit)))
	if err != nil {
		fail(w, http.StatusServiceUnavailable, "unreadable", err.Error())
		return
	}
	answer(w, http.StatusOK, page)
}

func (s *Shop) about(w http.ResponseWriter, _ *http.Request) {
	role := "starting"
	if active := s.active.Load(); active != nil {
		role = "standby"
		if *active == s.cfg.Region {
			role = "active"
		}
	}
	answer(w, http.StatusOK, map[string]any{
		"service": "shop", "instance": s.cfg.Instance, "zone": s.cfg.Zone, "region": s.cfg.Region, "role": role,
		"time": time.Now().UTC().Format(time.RFC3339Nano),
	})
}

func number(s string, otherwise uint64) (uint64, error) {
	if s == "" {
		return otherwise, nil
	}
	return strconv.ParseUint(s, 10, 63)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone; there is nobody else to tell
}

func fail(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]string{"code": code, "message": message})
}
