package proxy_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/proxy"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// talk connects, sends, reads as much, and says how long that took and how it went.
func talk(t *testing.T, c net.Conn, text string, within time.Duration) (time.Duration, error) {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(within)))
	began := time.Now()
	_, err := io.WriteString(c, text)
	if err == nil {
		_, err = io.ReadFull(c, make([]byte, len(text)))
	}
	return time.Since(began), err
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, 5*time.Second)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestWhatClientsNotice has a client go through a proxy while each of the faults stands, and after it.
func TestWhatClientsNotice(t *testing.T) {
	kilo := strings.Repeat("x", 1000)
	for _, c := range []struct {
		fault, config, text string
		notices             func(*testing.T, time.Duration, error)
	}{
		{"proxy_latency", `{"delay":"150ms","direction":"both"}`, "hello", func(t *testing.T, took time.Duration, err error) {
			require.NoError(t, err)
			require.GreaterOrEqual(t, took, 300*time.Millisecond)
		}},
		{"proxy_bandwidth", `{"bytes_per_second":10000}`, strings.Repeat(kilo, 4), func(t *testing.T, took time.Duration, err error) {
			require.NoError(t, err)
			require.GreaterOrEqual(t, took, 350*time.Millisecond)
		}},
		{"proxy_timeout", `{}`, "hello", func(t *testing.T, _ time.Duration, err error) {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		}},
		{"proxy_timeout", `{"close_after":"100ms"}`, "hello", func(t *testing.T, took time.Duration, err error) {
			require.ErrorIs(t, err, io.EOF)
			require.GreaterOrEqual(t, took, 100*time.Millisecond)
		}},
		{"proxy_reset", `{"direction":"upstream"}`, "hello", func(t *testing.T, _ time.Duration, err error) {
			require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE), "%v", err)
		}},
		{"proxy_slicing", `{"size":100,"delay":"20ms"}`, kilo, func(t *testing.T, took time.Duration, err error) {
			require.NoError(t, err)
			require.GreaterOrEqual(t, took, 150*time.Millisecond)
		}},
		{"proxy_limit", `{"bytes":500}`, kilo, func(t *testing.T, _ time.Duration, err error) {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}},
	} {
		t.Run(c.fault+c.config, func(t *testing.T) {
			t.Parallel()
			s := newStock(t, "db")
			l := plugin(t, s.url, time.Minute)
			h := inject(t, l, c.fault, c.config, "db")
			took, err := talk(t, dial(t, s.listen(t, "db")), c.text, time.Second)
			c.notices(t, took, err)
			require.NoError(t, l.Revert(t.Context(), h))
			took, err = talk(t, dial(t, s.listen(t, "db")), c.text, 5*time.Second)
			require.NoError(t, err)
			require.Less(t, took, 150*time.Millisecond)
		})
	}
}

func TestSlowClose(t *testing.T) {
	s := newStock(t, "db")
	l := plugin(t, s.url, time.Minute)
	inject(t, l, "proxy_slow_close", `{"delay":"400ms","direction":"upstream"}`, "db")
	c := dial(t, s.listen(t, "db"))
	_, err := talk(t, c, "hello", 5*time.Second)
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.GreaterOrEqual(t, time.Since(began), 400*time.Millisecond)
}

// A toxic of ours that somebody else has changed is a conflict: it is named, and stays as they set it, until a person decides.
func TestAToxicThatSomebodyChangedIsAConflict(t *testing.T) {
	s := newStock(t, "db")
	l := plugin(t, s.url, time.Minute)
	h := inject(t, l, "proxy_latency", `{"delay":"5ms"}`, "db")
	name := s.ours(t, "db")[0]
	p, err := s.Collection.Get("db")
	require.NoError(t, err)
	_, err = p.Toxics.UpdateToxicJson(name, strings.NewReader(`{"attributes":{"latency":900}}`))
	require.NoError(t, err)

	state := inspect(t, l, h)
	require.Equal(t, sdk.Unknown, state.Status)
	require.Contains(t, state.Evidence, "latency=900")
	err = l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "somebody else has changed the toxic "+name)
	require.ErrorContains(t, err, "gameday sweep -revert proxy")
	require.Equal(t, []string{name}, s.ours(t, "db"))

	found, err := l.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.NoError(t, l.Revert(t.Context(), found[0]))
	require.Empty(t, s.ours(t, "db"))
	require.NoError(t, l.Revert(t.Context(), h), "and then it is over for the run as well")
}

func TestSweepFindsOurMarksAndNothingElse(t *testing.T) {
	s := newStock(t, "cache", "db")
	before := s.snapshot(t)
	l := plugin(t, s.url, time.Minute)
	one := inject(t, l, "proxy_timeout", `{"direction":"both"}`, "db", "cache")
	two := inject(t, l, "proxy_limit", `{"bytes":7}`, "db")
	require.NoError(t, l.Kill())

	fresh := plugin(t, s.url, 0)
	found, err := fresh.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, []string{two.ID, one.ID}, []string{found[0].ID, found[1].ID})
	require.Equal(t, []string{two.Fault, one.Fault}, []string{found[0].Fault, found[1].Fault})
	require.Equal(t, "2026-11-23T10-00-00Z-test", found[0].Run)
	require.Len(t, found[1].Steps, 4)
	for _, h := range found {
		require.NoError(t, fresh.Revert(t.Context(), h))
	}
	require.Equal(t, before, s.snapshot(t))
	found, err = fresh.Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestSweepWithoutAToxiproxy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = plugin(t, "http://"+l.Addr().String(), 0).Sweep(t.Context())
	require.ErrorContains(t, err, "connection refused", "somebody said that there is one")
}

// A toxic that has our name before the injection was made by somebody else, or by another gameday with the same run.
func TestAnotherToxicOfOurNameIsNotTouched(t *testing.T) {
	s := newStock(t, "db")
	l := plugin(t, s.url, time.Minute)
	h, problems, err := l.Prepare(t.Context(), "proxy_limit", sdk.Request{Run: "r", ID: "fault.proxy_limit.f", Config: json.RawMessage(`{"bytes":7}`), Targets: targets(t, l, "db")})
	require.NoError(t, err)
	require.Empty(t, problems)
	p, err := s.Collection.Get("db")
	require.NoError(t, err)
	_, err = p.Toxics.AddToxicJson(strings.NewReader(`{"name":"gameday:r:fault.proxy_limit.f:downstream","type":"timeout"}`))
	require.NoError(t, err)
	require.ErrorContains(t, l.Inject(t.Context(), h), "somebody else has changed the toxic")
	require.ErrorContains(t, l.Revert(t.Context(), h), "somebody else has changed the toxic")
	require.Len(t, s.ours(t, "db"), 1)
}

func TestAProxyThatIsGoneCountsAsReverted(t *testing.T) {
	s := newStock(t, "db")
	l := plugin(t, s.url, time.Minute)
	h := inject(t, l, "proxy_reset", `{}`, "db")
	require.NoError(t, s.Collection.Remove("db"))
	require.NoError(t, l.Revert(t.Context(), h))
	require.Contains(t, inspect(t, l, h).Evidence, "there is no proxy db any more")
}

// While a client takes no data, a Toxiproxy cannot take a toxic off. The revert says so in bounded time, and works once the
// client takes data again.
func TestAClientThatTakesNoData(t *testing.T) {
	t.Parallel()
	s := newStock(t, "db")
	l := plugin(t, s.url, time.Minute)
	h := inject(t, l, "proxy_latency", `{"delay":"1ms"}`, "db")
	c := dial(t, s.listen(t, "db"))
	require.NoError(t, c.SetWriteDeadline(time.Now().Add(time.Second)))
	block := make([]byte, 1<<20)
	for {
		if _, err := c.Write(block); err != nil { // every buffer on the way is full
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			break
		}
	}
	began := time.Now()
	require.ErrorContains(t, l.Revert(t.Context(), h), "a client of the proxy takes no data")
	require.Less(t, time.Since(began), 10*time.Second)
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		_, _ = io.Copy(io.Discard, c)
	}()
	require.NoError(t, l.Revert(t.Context(), h))
	require.Equal(t, sdk.Inactive, inspect(t, l, h).Status)
	require.NoError(t, c.Close())
	<-taken
}

func TestMistakesNameTheAttribute(t *testing.T) {
	s := newStock(t, "db")
	l := plugin(t, s.url, 0)
	for _, c := range []struct{ fault, config, path string }{
		{"proxy_latency", `{"delay":"1500us"}`, "delay"},
		{"proxy_latency", `{"delay":"0s"}`, "delay"},
		{"proxy_latency", `{"delay":"5ms","jitter":"6ms"}`, "jitter"},
		{"proxy_bandwidth", `{"bytes_per_second":1500}`, "bytes_per_second"},
		{"proxy_bandwidth", `{"bytes_per_second":0}`, "bytes_per_second"},
		{"proxy_slicing", `{"size":10,"variation":10}`, "variation"},
		{"proxy_limit", `{"bytes":1.5}`, "bytes"},
		{"proxy_reset", `{"close_after":"4s"}`, "close_after"},
		{"proxy_slow_close", `{"delay":"2h"}`, "delay"},
		{"proxy_limit", `{"bytes":1,"percent":0}`, "percent"},
		{"proxy_limit", `{"bytes":1,"percent":101}`, "percent"},
	} {
		_, problems, err := l.Prepare(t.Context(), c.fault, sdk.Request{ID: "fault.f", Config: json.RawMessage(c.config), Targets: targets(t, l, "db")})
		require.NoError(t, err)
		require.Len(t, problems, 1, c.config)
		require.Equal(t, []string{c.path}, problems[0].Path, c.config)
		require.NotEmpty(t, problems[0].Detail)
	}
	for _, url := range []string{"127.0.0.1:8474", "http://me:secret@host", "http://host?x=1"} {
		fresh, err := sdk.ServeLocal(proxy.New(), io.Discard)
		require.NoError(t, err)
		_, problems, err := fresh.Configure(t.Context(), sdk.Settings{Config: settings(url)})
		require.NoError(t, err)
		require.Len(t, problems, 1, url)
		require.NotContains(t, problems[0].Summary, "secret")
		require.NoError(t, fresh.Close())
	}
}

func TestThePlanSaysWhatTheServerLacks(t *testing.T) {
	s := newStock(t, "db", "off")
	l := plugin(t, s.url, 0)
	h, _, err := l.Prepare(t.Context(), "proxy_reset", sdk.Request{ID: "fault.proxy_reset.f", Config: json.RawMessage(`{}`), Targets: targets(t, l, "db")})
	require.NoError(t, err)
	require.Contains(t, strings.Join(h.Effects, "\n"), "leave alone what is on the proxy db already: theirs")
	require.Contains(t, strings.Join(h.Effects, "\n"), "has no clock: if every process of gameday dies at once, its toxics stay until gameday recover")
	p, err := s.Collection.Get("off")
	require.NoError(t, err)
	off := targets(t, l, "off")
	p.Stop()
	_, problems, err := l.Prepare(t.Context(), "proxy_reset", sdk.Request{ID: "fault.proxy_reset.f", Config: json.RawMessage(`{}`), Targets: off})
	require.NoError(t, err)
	require.Contains(t, problems[0].Summary, "is disabled")
}

func TestEveryFaultSaysWhatHappensWhenEverythingDies(t *testing.T) {
	page, err := os.ReadFile("../../docs/plugins/proxy.md")
	require.NoError(t, err)
	for name, fault := range proxy.New().Faults {
		require.Contains(t, fault.Schema().Doc, "dies at once")
		require.Contains(t, string(page), "`"+name+"`")
	}
	for name := range proxy.New().Targets {
		require.Contains(t, string(page), "`"+name+"`")
	}
}
