package notify

import (
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

var at = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ended() News {
	return News{
		Moment: End, At: at.Add(time.Minute), Run: "r1", Scenario: "az-loss", Title: "Lose <a> zone & live", Service: "checkout", Environment: "staging",
		User: "ada", Host: "h", Headline: "failed", Why: "checkout was too slow", Exit: new(1), Report: "runs/r1/report.html",
		Objectives:  []Objective{{Name: "objective.back", Verdict: "fail", Limit: "15s", Measured: "24 s (23 to 24)"}},
		Findings:    []string{"Detection was slow"},
		Outstanding: []string{"fault.x.y"},
		Spans: []Span{
			{Name: "inject", Kind: "phase", From: at, To: at.Add(50 * time.Second)},
			{Name: "fault.x.y", Kind: "fault", Type: "x", From: at.Add(time.Second), To: at.Add(40 * time.Second), Targets: []string{"east-a"}, Err: "stuck"},
		},
	}
}

// receiver answers with the given codes, and then with 200.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	codes  []int
	paths  []string
	heads  []http.Header
	bodies [][]byte
}

func listen(t *testing.T, codes ...int) *receiver {
	r := &receiver{codes: codes}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		in := io.Reader(req.Body)
		if req.Header.Get("Content-Encoding") == "gzip" {
			in, _ = gzip.NewReader(req.Body)
		}
		b, _ := io.ReadAll(in)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.paths, r.heads, r.bodies = append(r.paths, req.URL.Path), append(r.heads, req.Header), append(r.bodies, b)
		if len(r.codes) > 0 {
			w.WriteHeader(r.codes[0])
			r.codes = r.codes[1:]
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func send(t *testing.T, kind, cfg string, n News) error {
	s, err := Kinds()[kind].New(json.RawMessage(cfg))
	require.NoError(t, err)
	return s.Send(t.Context(), n)
}

func TestWebhook(t *testing.T) {
	r := listen(t)
	require.NoError(t, send(t, "webhook", `{"url":"`+r.URL+`/hook","headers":{"Authorization":"Bearer t"},"secret":"s"}`, ended()))
	var got News
	require.NoError(t, json.Unmarshal(r.bodies[0], &got))
	require.Equal(t, ended(), got)
	require.Equal(t, "Bearer t", r.heads[0].Get("Authorization"))
	mac := hmac.New(sha256.New, []byte("s"))
	mac.Write(r.bodies[0])
	require.Equal(t, "sha256="+hex.EncodeToString(mac.Sum(nil)), r.heads[0].Get("X-Gameday-Signature"))
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	r := listen(t, 503, 429)
	require.NoError(t, send(t, "webhook", `{"url":"`+r.URL+`"}`, ended()))
	require.Len(t, r.bodies, 3)

	r = listen(t, 500, 500, 500, 500, 500)
	require.ErrorContains(t, send(t, "webhook", `{"url":"`+r.URL+`"}`, ended()), "500")
	require.Len(t, r.bodies, attempts)

	r = listen(t, 403)
	require.ErrorContains(t, send(t, "webhook", `{"url":"`+r.URL+`"}`, ended()), "403")
	require.Len(t, r.bodies, 1, "a refusal stays one")

	r = listen(t, 302)
	require.Error(t, send(t, "webhook", `{"url":"`+r.URL+`"}`, ended()), "no redirect is followed")
}

func TestNoErrorHoldsTheURL(t *testing.T) {
	r := listen(t)
	r.Close()
	err := send(t, "slack", `{"url":"`+r.URL+`/services/SECRET"}`, ended())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "SECRET")
	for kind := range Kinds() {
		_, err := Kinds()[kind].New(json.RawMessage(`{"url":"nonsense SECRET"}`))
		require.ErrorContains(t, err, "url must be")
		require.NotContains(t, err.Error(), "SECRET")
	}
}

func TestSlack(t *testing.T) {
	r := listen(t)
	require.NoError(t, send(t, "slack", `{"url":"`+r.URL+`"}`, ended()))
	var got struct {
		Text   string
		Blocks []section
	}
	require.NoError(t, json.Unmarshal(r.bodies[0], &got))
	require.Equal(t, "Game day failed in staging: az-loss: Lose &lt;a&gt; zone &amp; live", got.Text)
	all := ""
	for _, b := range got.Blocks {
		require.LessOrEqual(t, len(b.Text.Text), 3000)
		all += b.Text.Text + "\n"
	}
	for _, want := range []string{"24 s (23 to 24)", "Not proven to be put back:* fault.x.y", "Detection was slow", "by ada", "report at runs/r1/report.html on h"} {
		require.Contains(t, all, want)
	}
}

func TestGrafana(t *testing.T) {
	r := listen(t)
	cfg := `{"url":"` + r.URL + `/","token":"t","tags":["eu"]}`
	require.NoError(t, send(t, "grafana", cfg, News{Moment: Start, At: at, Scenario: "az-loss", Environment: "staging"}))
	require.NoError(t, send(t, "grafana", cfg, ended()))
	var got []annotation
	for _, b := range r.bodies {
		var a annotation
		require.NoError(t, json.Unmarshal(b, &a))
		got = append(got, a)
	}
	require.Equal(t, []string{"/api/annotations", "/api/annotations", "/api/annotations"}, r.paths)
	require.Equal(t, "Bearer t", r.heads[0].Get("Authorization"))
	require.Equal(t, at.UnixMilli(), got[0].Time)
	require.Zero(t, got[0].TimeEnd)
	require.Equal(t, [2]int64{at.UnixMilli(), at.Add(time.Minute).UnixMilli()}, [2]int64{got[1].Time, got[1].TimeEnd}, "the run")
	require.Equal(t, [2]int64{at.Add(time.Second).UnixMilli(), at.Add(40 * time.Second).UnixMilli()}, [2]int64{got[2].Time, got[2].TimeEnd}, "the fault")
	require.Equal(t, "fault.x.y east-a", got[2].Text)
	require.Equal(t, []string{"gameday", "fault", "az-loss", "staging", "checkout", "eu"}, got[2].Tags)
}

func TestOpenTelemetry(t *testing.T) {
	r := listen(t)
	cfg := `{"url":"` + r.URL + `/v1/traces","headers":{"x-api-key":"k"}}`
	require.NoError(t, send(t, "opentelemetry", cfg, News{Moment: Start}))
	require.Empty(t, r.bodies, "a start has no length")
	require.NoError(t, send(t, "opentelemetry", cfg, ended()))
	require.Equal(t, "k", r.heads[0].Get("x-api-key"))
	var got collector.ExportTraceServiceRequest
	require.NoError(t, proto.Unmarshal(r.bodies[0], &got))
	spans := got.ResourceSpans[0].ScopeSpans[0].Spans
	require.Len(t, spans, 3)
	root := spans[2]
	require.Equal(t, "gameday run az-loss", root.Name)
	require.Empty(t, root.ParentSpanId)
	sum := sha256.Sum256([]byte("r1"))
	require.Equal(t, sum[:16], root.TraceId)
	fault := spans[1]
	require.Equal(t, "fault fault.x.y", fault.Name)
	require.Equal(t, root.SpanId, fault.ParentSpanId)
	require.EqualValues(t, at.Add(time.Second).UnixNano(), fault.StartTimeUnixNano)
	require.EqualValues(t, at.Add(40*time.Second).UnixNano(), fault.EndTimeUnixNano)
	require.Equal(t, "stuck", fault.Status.Message)

	r.Close()
	require.Error(t, send(t, "opentelemetry", cfg, ended()), "a trace that did not arrive is known to be missing")
}

// fake takes what it is told, once it is let to.
type fake struct {
	mu   sync.Mutex
	got  []Moment
	gate chan struct{}
	err  error
}

func (f *fake) Send(ctx context.Context, n News) error {
	if f.gate != nil {
		select {
		case <-f.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, n.Moment)
	return f.err
}

func TestNobodyWaitsButClose(t *testing.T) {
	var mu sync.Mutex
	var troubles []string
	trouble := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		troubles = append(troubles, err.Error())
	}
	good, stuck, picky, broken := &fake{}, &fake{gate: make(chan struct{})}, &fake{}, &fake{err: errors.New("no")}
	all := Moments()
	interrupted, cancel := context.WithCancel(t.Context())
	n := New(interrupted, []Block{{"notify.good", all, good}, {"notify.stuck", all, stuck}, {"notify.picky", []string{"end"}, picky}, {"notify.broken", []string{"end"}, broken}}, trouble)
	n.Tell(News{Moment: Start})
	cancel()
	n.Tell(News{Moment: Abort})
	n.Tell(News{Moment: End})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	n.Close(ctx)
	require.Equal(t, []Moment{Start, Abort, End}, good.got, "also after an interruption")
	require.Equal(t, []Moment{End}, picky.got)
	require.Contains(t, troubles, "notify.broken: telling the end: no")
	require.Contains(t, troubles, "notify.stuck: telling the start: there was no answer in time")
}

func TestASlowReceiverIsNotWaitedFor(t *testing.T) {
	lost := make(chan error, 100)
	stuck := &fake{gate: make(chan struct{})}
	n := New(t.Context(), []Block{{"notify.stuck", Moments(), stuck}}, func(err error) { lost <- err })
	for range backlog + 2 {
		n.Tell(News{Moment: Start})
	}
	require.ErrorContains(t, <-lost, "too much is waiting")
	close(stuck.gate)
	n.Close(t.Context())
}

// A refusal often repeats the request: Express says "Cannot POST /services/...", others print all headers.
func TestNoRefusalHoldsWhatWasSent(t *testing.T) {
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, strings.Repeat("-", 150)+req.RequestURI+" "+req.Header.Get("X-Api-Key")+" "+req.Header.Get("Authorization"))
	}))
	t.Cleanup(r.Close)
	for kind, cfg := range map[string]string{
		"slack":         `{"url":"` + r.URL + `/services/T0/PATHSECRET-long-enough-to-be-cut-at-the-end-of-what-is-shown"}`,
		"webhook":       `{"url":"` + r.URL + `/PATHSECRET?token=QUERYSECRET","headers":{"X-Api-Key":"KEYSECRET"}}`,
		"grafana":       `{"url":"` + r.URL + `","token":"KEYSECRET"}`,
		"opentelemetry": `{"url":"` + r.URL + `/v1","headers":{"X-Api-Key":"KEYSECRET"}}`,
	} {
		err := send(t, kind, cfg, ended())
		require.ErrorContains(t, err, "404", kind)
		require.NotRegexp(t, "SECRET|PATHS|QUERYS|KEYS", err.Error(), kind)
		require.Contains(t, err.Error(), hidden, kind)
	}
}

func TestNoErrorHoldsAStrangeRedirect(t *testing.T) {
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Location", "http://[::1"+req.URL.Path)
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(r.Close)
	err := send(t, "slack", `{"url":"`+r.URL+`/PATHSECRET"}`, ended())
	require.ErrorContains(t, err, "Location")
	require.NotContains(t, err.Error(), "SECRET")
}

func TestKeysAreNotSentOnToAnotherPlace(t *testing.T) {
	elsewhere := listen(t)
	r := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(r.Close)
	for kind, cfg := range map[string]string{
		"webhook":       `{"url":"` + r.URL + `","headers":{"X-Api-Key":"k"}}`,
		"opentelemetry": `{"url":"` + r.URL + `","headers":{"X-Api-Key":"k"}}`,
	} {
		require.ErrorContains(t, send(t, kind, cfg, ended()), "307", kind)
	}
	require.Empty(t, elsewhere.bodies)
}

func TestAnAddressThatIsShownHoldsNoPassword(t *testing.T) {
	for kind, instead := range map[string]string{"grafana": "token", "opentelemetry": "headers"} {
		_, err := Kinds()[kind].New(json.RawMessage(`{"url":"http://bob:SECRET@example.org"}`))
		require.ErrorContains(t, err, instead)
		require.NotContains(t, err.Error(), "SECRET")
	}
	_, err := Kinds()["webhook"].New(json.RawMessage(`{"url":"http://bob:SECRET@example.org"}`))
	require.NoError(t, err, "this one is shown nowhere")
}

func TestWhatWasSaidLastIsToldWhenTimeIsOut(t *testing.T) {
	asked := make(chan struct{}, 10)
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
		asked <- struct{}{}
	}))
	t.Cleanup(busy.Close)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body) // so that the server sees the client go
		<-req.Context().Done()
	}))
	t.Cleanup(silent.Close)
	for url, want := range map[string]string{busy.URL: "telling the end: time is out: it answered 503", silent.URL: "telling the end: there was no answer in time"} {
		s, err := Kinds()["webhook"].New(json.RawMessage(`{"url":"` + url + `"}`))
		require.NoError(t, err)
		troubles := make(chan error, 1)
		n := New(t.Context(), []Block{{"notify.webhook.x", Moments(), s}}, func(err error) { troubles <- err })
		n.Tell(News{Moment: End})
		if url == busy.URL {
			<-asked
		}
		wait, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		n.Close(wait)
		cancel()
		require.ErrorContains(t, <-troubles, want)
	}
}
