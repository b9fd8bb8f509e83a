package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type values = map[string]any

func newWatcher(t *testing.T, kind string, cfg values) Watcher {
	t.Helper()
	raw, err := json.Marshal(cfg)
	require.NoError(t, err)
	w, err := Kinds()[kind].New(raw, Env{})
	require.NoError(t, err)
	return w
}

// watching runs a watcher until the test ends, and gives its states.
func watching(t *testing.T, w Watcher) <-chan State {
	ctx, cancel := context.WithCancel(t.Context())
	states, done := make(chan State, 100), make(chan error, 1)
	base := time.Now()
	go func() { done <- w.Watch(ctx, base, func(s State) { states <- s }) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return states
}

func next(t *testing.T, states <-chan State) State {
	t.Helper()
	select {
	case s := <-states:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("no change was seen")
		return State{}
	}
}

type prom struct {
	mu    sync.Mutex
	state string
	code  int
}

func (p *prom) set(state string, code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.code = state, code
}

func (p *prom) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.code != 0 {
		w.WriteHeader(p.code)
		return
	}
	switch r.URL.Path {
	case "/api/v1/alerts":
		fmt.Fprintf(w, `{"status":"success","data":{"alerts":[
			{"labels":{"alertname":"Other"},"state":"firing"},
			{"labels":{"alertname":"Errors","service":"cart"},"state":"firing"},
			{"labels":{"alertname":"Errors","service":"shop"},"annotations":{"summary":"too many"},"state":%q}]}}`, p.state)
	case "/api/v1/query":
		value := "0"
		if p.state == "firing" {
			value = "1"
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"alertname":"Errors"},"value":[1,%q]}]}}`, value)
	}
}

func TestPrometheusAlert(t *testing.T) {
	for name, cfg := range map[string]values{
		"by name and label": {"alert": "Errors", "labels": values{"service": "shop"}},
		"by query":          {"query": "ALERTS"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &prom{state: "pending"}
			server := httptest.NewServer(p)
			defer server.Close()
			cfg["url"], cfg["interval"] = server.URL, "10ms"
			states := watching(t, newWatcher(t, "prometheus", cfg))
			first := next(t, states)
			require.False(t, first.Firing)
			require.NoError(t, first.Err)

			p.set("firing", 0)
			fired := next(t, states)
			require.True(t, fired.Firing)
			require.Contains(t, fired.Summary, "Errors")
			require.Greater(t, fired.At, first.At)
			require.LessOrEqual(t, fired.Poll, fired.At, "the error reaches back to the poll before")
			require.Positive(t, fired.Poll)

			p.set("firing", http.StatusBadGateway)
			lost := next(t, states)
			require.ErrorContains(t, lost.Err, "502")
			require.True(t, lost.Firing, "as last known")

			p.set("inactive", 0)
			resolved := next(t, states)
			require.NoError(t, resolved.Err)
			require.False(t, resolved.Firing)
			require.Empty(t, states, "only changes are told")
		})
	}
}

func TestPrometheusAlertNobodyThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	s := next(t, watching(t, newWatcher(t, "prometheus", values{"url": server.URL, "alert": "Errors"})))
	require.Error(t, s.Err)
	require.False(t, s.Firing)
}

func post(t *testing.T, url, token, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

func alertmanager(status string, alerts ...string) string {
	var list []string
	for _, a := range alerts {
		list = append(list, fmt.Sprintf(`{"status":%q,"labels":{"alertname":"Errors","service":"shop","pod":%q},"annotations":{"summary":"too many"},"fingerprint":%q}`, status, a, a))
	}
	return `{"version":"4","status":"` + status + `","alerts":[` + strings.Join(list, ",") + `]}`
}

func TestWebhookAlert(t *testing.T) {
	states := watching(t, newWatcher(t, "webhook", values{"listen": "127.0.0.1:0", "path": "/hook", "token": "s3cret", "alert": "Errors", "labels": values{"service": "shop"}}))
	first := next(t, states)
	require.False(t, first.Firing)
	address, ok := strings.CutPrefix(first.Summary, "listening on ")
	require.True(t, ok)
	url := "http://" + address + "/hook"

	require.Equal(t, http.StatusUnauthorized, post(t, url, "", alertmanager("firing", "a")))
	require.Equal(t, http.StatusUnauthorized, post(t, url, "wrong", alertmanager("firing", "a")))
	require.Equal(t, http.StatusBadRequest, post(t, url, "s3cret", `{"what":1}`))
	require.Equal(t, http.StatusBadRequest, post(t, url, "s3cret", `hello`))
	require.Equal(t, http.StatusNoContent, post(t, url, "s3cret", `{"alerts":[{"status":"firing","labels":{"alertname":"Other"}}]}`))
	require.Equal(t, http.StatusRequestEntityTooLarge, post(t, url, "s3cret", strings.Repeat(" ", maxNotice+1)))
	require.Empty(t, states)

	require.Equal(t, http.StatusNoContent, post(t, url, "s3cret", alertmanager("firing", "a", "b")))
	fired := next(t, states)
	require.True(t, fired.Firing)
	require.Equal(t, "Errors: too many", fired.Summary)
	post(t, url, "s3cret", alertmanager("resolved", "a"))
	require.Empty(t, states, "b still fires")
	post(t, url, "s3cret", alertmanager("resolved", "b"))
	require.False(t, next(t, states).Firing)

	post(t, url, "s3cret", `{"firing":true,"summary":"pager"}`)
	require.Equal(t, "pager", next(t, states).Summary)
	post(t, url, "s3cret", `{"firing":false}`)
	require.False(t, next(t, states).Firing)
}

func TestMistakesInABlock(t *testing.T) {
	for kind, blocks := range map[string][]string{
		"prometheus": {`{}`, `{"url":"http://x"}`, `{"url":"x","alert":"a"}`, `{"url":"http://x","alert":"a","query":"b"}`, `{"url":"http://x","alert":"a","interval":"soon"}`},
		"webhook":    {`{}`, `{"listen":"localhost:80"}`, `{"listen":"0.0.0.0:80"}`, `{"listen":"127.0.0.1:0","path":"x"}`, `{"listen":"127.0.0.1:0","path":"/{"}`},
	} {
		for _, b := range blocks {
			_, err := Kinds()[kind].New([]byte(b), Env{})
			require.Error(t, err, b)
		}
	}
}

func TestWebhookAddressInUse(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	w := newWatcher(t, "webhook", values{"listen": taken.Listener.Addr().String()})
	require.ErrorContains(t, w.Watch(t.Context(), time.Now(), func(State) {}), "listening for alerts")
}
