package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// traffic is how many requests a second the fake Prometheus has counted.
const traffic = 500

// metrics is a Prometheus that watches a service: its counters go on while the service works, and its alert fires when it
// does not. While the file dead is there, its own connections break.
type metrics struct {
	*health
	dead string

	mu          sync.Mutex
	at          time.Time
	good, total float64
	asked       map[string][2]float64 // by evaluation time: both expressions see the same counters
}

// prometheus starts one: VAR DEAD FILE [HEAL].
func prometheus(ts *testscript.TestScript, _ bool, args []string) {
	m := &metrics{health: newHealth(ts, args[2:]), dead: ts.MkAbs(args[1]), at: time.Now(), total: 1e6, good: 1e6, asked: map[string][2]float64{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/query", m.query)
	mux.HandleFunc("/api/v1/alerts", m.alerts)
	mux.HandleFunc("/api/v1/targets", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":"success","data":{"activeTargets":[{"scrapeInterval":"20ms"}]}}`)
	})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if exists(m.dead) {
			panic(http.ErrAbortHandler)
		}
		mux.ServeHTTP(w, r)
	}))
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.URL)
}

func (m *metrics) query(w http.ResponseWriter, r *http.Request) {
	values := m.count(r.FormValue("time"))
	value, ok := map[string]float64{"good_total": values[0], "requests_total": values[1], "up": 0}[r.FormValue("query")]
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"parse error: unexpected end of input"}`)
		return
	}
	if r.FormValue("query") == "up" && m.ok() {
		value = 1
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"shop"},"value":[%d,"%g"]}]}}`, time.Now().Unix(), value)
}

// count brings the counters up to date, once for each evaluation time.
func (m *metrics) count(at string) [2]float64 {
	ok := m.ok()
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, seen := m.asked[at]; seen && at != "" {
		return v
	}
	n := time.Since(m.at).Seconds() * traffic
	m.at, m.total = time.Now(), m.total+n
	if ok {
		m.good += n
	}
	m.asked[at] = [2]float64{m.good, m.total}
	return m.asked[at]
}

func (m *metrics) alerts(w http.ResponseWriter, _ *http.Request) {
	state := "inactive"
	if m.down() > 0 {
		state = "firing"
	}
	fmt.Fprintf(w, `{"status":"success","data":{"alerts":[
		{"labels":{"alertname":"DiskFull","severity":"page"},"annotations":{},"state":"firing"},
		{"labels":{"alertname":"ShopDown","severity":"page"},"annotations":{"summary":"orders fail"},"state":%q}]}}`, state)
}
