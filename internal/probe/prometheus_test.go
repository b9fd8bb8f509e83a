package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/sample"
)

// promServer answers queries with fixed vectors.
type promServer struct {
	mu     sync.Mutex
	values map[string][]float64
	down   bool
	times  []string
}

func (p *promServer) set(query string, v ...float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[query] = v
}

func (p *promServer) setDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *promServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer s3cret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch {
	case p.down:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"status":"error","errorType":"timeout","error":"query timed out"}`)
	case r.URL.Path == "/prom/api/v1/targets":
		fmt.Fprint(w, `{"status":"success","data":{"activeTargets":[{"scrapeInterval":"5s"},{"scrapeInterval":"15s"}]}}`)
	case r.URL.Path == "/prom/api/v1/query":
		p.times = append(p.times, r.FormValue("time"))
		result := []any{}
		for i, v := range p.values[r.FormValue("query")] {
			result = append(result, values{"metric": values{"i": fmt.Sprint(i)}, "value": []any{1.5, fmt.Sprint(v)}})
		}
		_ = json.NewEncoder(w).Encode(values{"status": "success", "data": values{"resultType": "vector", "result": result}})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func startProm(t *testing.T) (*promServer, string, map[string]string) {
	p := &promServer{values: map[string][]float64{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return p, server.URL + "/prom", map[string]string{"Authorization": "Bearer s3cret"}
}

func TestPrometheusProbe(t *testing.T) {
	p, url, headers := startProm(t)
	p.set("up", 1, 3)
	for name, c := range map[string]struct {
		query  string
		expect values
		class  sample.Class
	}{
		"any value":          {"up", values{}, sample.NoClass},
		"no value":           {"down", values{}, sample.Body},
		"within":             {"up", values{"min": 1, "max": 3}, sample.NoClass},
		"one of them below":  {"up", values{"min": 2}, sample.Body},
		"one of them beyond": {"up", values{"max": 2}, sample.Body},
	} {
		t.Run(name, func(t *testing.T) {
			prober := newProber(t, "prometheus", values{"url": url, "query": c.query, "sensitive_headers": headers, "expect": c.expect})
			requireClass(t, c.class, askOnce(t, prober, 10*time.Second))
		})
	}
	requireClass(t, sample.Status, askOnce(t, newProber(t, "prometheus", values{"url": url, "query": "up"}), 10*time.Second))
	requireClass(t, sample.Refused, askOnce(t, newProber(t, "prometheus", values{"url": "http://" + refusing(t), "query": "up"}), 10*time.Second))
}

func TestPollRatioCountsWhatCameSinceThePollBefore(t *testing.T) {
	p, url, headers := startProm(t)
	p.set("good", 90)
	p.set("total", 60, 40)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	points := make(chan Point)
	done := make(chan error, 1)
	go func() {
		done <- PollRatio(ctx, time.Now(), RatioConfig{URL: url, Good: "good", Total: "total", Interval: 20 * time.Millisecond, Headers: headers}, func(p Point) {
			select {
			case points <- p:
			case <-ctx.Done():
			}
		})
	}()
	next := func(ok func(Point) bool) Point {
		t.Helper()
		for {
			select {
			case p := <-points:
				require.LessOrEqual(t, p.From, p.To)
				if ok(p) {
					return p
				}
			case <-ctx.Done():
				t.Fatal("the point never came")
			}
		}
	}
	first := next(func(p Point) bool { return p.Err == nil })
	require.Zero(t, first.Total, "nothing was counted between the first two polls")
	require.Equal(t, 15*time.Second, first.Resolution, "that of the slowest scrape")

	p.set("total", 70, 40)
	p.set("good", 95)
	sumGood, sumTotal := 0.0, 0.0
	next(func(p Point) bool {
		sumGood, sumTotal = sumGood+p.Good, sumTotal+p.Total
		return sumTotal >= 10 && sumGood >= 5
	})
	require.Equal(t, []float64{5, 10}, []float64{sumGood, sumTotal})

	p.setDown(true)
	failed := next(func(p Point) bool { return p.Err != nil })
	require.ErrorContains(t, failed.Err, "query timed out")
	p.setDown(false)
	p.set("total", 3) // a restart: the counter begins anew
	p.set("good", 2)
	again := next(func(p Point) bool { return p.Err == nil && p.Total > 0 })
	require.InDelta(t, 3, again.Total, 0)
	p.set("total")
	require.ErrorContains(t, next(func(p Point) bool { return p.Err != nil }).Err, "no value")
	cancel()
	err := <-done
	require.True(t, err == nil || errors.Is(err, context.Canceled))
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Equal(t, p.times[0], p.times[1], "both are evaluated at one instant")
}
