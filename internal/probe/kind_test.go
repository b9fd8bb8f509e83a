package probe

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type values = map[string]any

func newProber(t *testing.T, kind string, cfg values) Prober {
	t.Helper()
	raw, err := json.Marshal(cfg)
	require.NoError(t, err)
	p, err := Kinds()[kind].New(raw, Env{Base: time.Now()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// askOnce asks one question with a deadline, through the same contexts that Run uses.
func askOnce(t *testing.T, p Prober, timeout time.Duration) Answer {
	t.Helper()
	base := time.Now()
	s := newSlot(&run{base: base})
	ctx := s.arm(timeout, 0)
	defer s.disarm()
	a := p.Probe(ctx)
	require.Less(t, time.Since(base), timeout+5*time.Second, "a question ends with its context")
	require.Equal(t, a.Good, a.Class == sample.NoClass)
	require.Equal(t, a.Good, a.Detail == "")
	return a
}

func requireClass(t *testing.T, want sample.Class, a Answer) {
	t.Helper()
	require.Equal(t, want.String(), a.Class.String(), a.Detail)
}

// patience is how long a question of an expected class may take: a machine may be slow, and only a timeout has to come.
func patience(want sample.Class) time.Duration {
	if want == sample.Timeout {
		return 200 * time.Millisecond
	}
	return 10 * time.Second
}

// refusing is an address that nobody listens on.
func refusing(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// listening hands each connection to f, which must close it.
func listening(t *testing.T, f func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f(conn)
		}
	}()
	return l.Addr().String()
}

func resetting(conn net.Conn) {
	_, _ = conn.Read(make([]byte, 100))
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func silent(conn net.Conn) {
	_, _ = io.Copy(io.Discard, conn) // until the client gives up
	_ = conn.Close()
}

func TestHTTPClasses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/503":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/slow":
			<-r.Context().Done()
		case "/half":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/header":
			fmt.Fprint(w, r.Header.Get("Authorization"), " ", r.Host)
		default:
			fmt.Fprint(w, "hello")
		}
	}))
	defer server.Close()
	secure := httptest.NewTLSServer(server.Config.Handler)
	defer secure.Close()
	secure.Config.ErrorLog = nil
	url := server.URL
	for name, c := range map[string]struct {
		cfg   values
		class sample.Class
	}{
		"good":                     {values{"url": url}, sample.NoClass},
		"status":                   {values{"url": url + "/503"}, sample.Status},
		"a status that is wanted":  {values{"url": url + "/503", "expect": values{"status": []int{200, 503}}}, sample.NoClass},
		"timeout":                  {values{"url": url + "/slow"}, sample.Timeout},
		"half a body":              {values{"url": url + "/half"}, sample.Reset},
		"body":                     {values{"url": url, "expect": values{"body_contains": "bye"}}, sample.Body},
		"regex":                    {values{"url": url, "expect": values{"body_regex": "^h.l+o$", "body_contains": "ell"}}, sample.NoClass},
		"header":                   {values{"url": url, "expect": values{"headers": values{"X-Version": "2"}}}, sample.Body},
		"a redirect is an answer":  {values{"url": url + "/moved"}, sample.Status},
		"a redirect is followed":   {values{"url": url + "/moved", "follow_redirects": true}, sample.NoClass},
		"refused":                  {values{"url": "http://" + refusing(t)}, sample.Refused},
		"refused, no keepalive":    {values{"url": "http://" + refusing(t), "keepalive": false}, sample.Refused},
		"reset":                    {values{"url": "http://" + listening(t, resetting)}, sample.Reset},
		"silence":                  {values{"url": "http://" + listening(t, silent)}, sample.Timeout},
		"unknown authority":        {values{"url": secure.URL}, sample.TLS},
		"insecure":                 {values{"url": secure.URL, "tls": values{"insecure": true}}, sample.NoClass},
		"plain server, TLS client": {values{"url": strings.Replace(url, "http:", "https:", 1)}, sample.TLS},
		"headers":                  {values{"url": url + "/header", "headers": values{"Host": "shop.example"}, "sensitive_headers": values{"Authorization": "Bearer s3cret"}, "expect": values{"body_contains": "Bearer s3cret shop.example"}}, sample.NoClass},
		"h2c by prior knowledge":   {values{"url": url, "http2": true}, sample.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "h2c by prior knowledge" { // an HTTP/1 server answers a preface with 400 and hangs up
				requireNot(t, askOnce(t, newProber(t, "http", c.cfg), 10*time.Second))
				return
			}
			a := askOnce(t, newProber(t, "http", c.cfg), patience(c.class))
			requireClass(t, c.class, a)
			require.NotContains(t, a.Detail, "s3cret")
		})
	}
}

func requireNot(t *testing.T, a Answer) {
	t.Helper()
	require.False(t, a.Good)
}

func TestHTTPKeepAlive(t *testing.T) {
	for _, keep := range []bool{true, false} {
		var conns, requests atomic.Int64
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			_, _ = w.Write([]byte(strings.Repeat("x", 100_000)))
		}))
		server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				conns.Add(1)
			}
		}
		server.Start()
		p := newProber(t, "http", values{"url": server.URL, "keepalive": keep, "method": "post", "body": `{"sku":1}`})
		for range 5 {
			require.True(t, askOnce(t, p, 10*time.Second).Good)
		}
		want := map[bool]int64{true: 1, false: 5}[keep]
		require.Equal(t, want, conns.Load(), "keepalive = %v", keep)
		server.Close()
		eventually(t, p, func(a Answer) bool { return a.Class == sample.Refused })
	}
}

func TestHTTPOverTLSWithClientCertificateFiles(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pemOf(server.Certificate()), 0o600))
	require.True(t, askOnce(t, newProber(t, "http", values{"url": server.URL, "tls": values{"ca_file": ca}}), 10*time.Second).Good)
	a := askOnce(t, newProber(t, "http", values{"url": server.URL, "tls": values{"ca_file": ca, "server_name": "else.test"}}), 10*time.Second)
	requireClass(t, sample.TLS, a)
	_, err := newHTTP([]byte(`{"url":"https://x","tls":{"ca_file":"/nowhere"}}`), Env{})
	require.ErrorContains(t, err, "ca_file")
	_, err = newHTTP([]byte(`{"url":"https://x","tls":{"cert_file":"/nowhere"}}`), Env{})
	require.ErrorContains(t, err, "go together")
}

func TestTCP(t *testing.T) {
	echo := listening(t, func(c net.Conn) {
		defer c.Close()
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		_, _ = c.Write(b[:n])
	})
	for name, c := range map[string]struct {
		cfg   values
		class sample.Class
	}{
		"accepted":   {values{"address": echo}, sample.NoClass},
		"echo":       {values{"address": echo, "send": "PING\n", "expect": values{"contains": "ING"}}, sample.NoClass},
		"regex":      {values{"address": echo, "send": "PING\n", "expect": values{"regex": "^P.*G\n$"}}, sample.NoClass},
		"wrong echo": {values{"address": echo, "send": "PING\n", "expect": values{"contains": "PONG"}}, sample.Body},
		"refused":    {values{"address": refusing(t)}, sample.Refused},
		"reset":      {values{"address": listening(t, resetting), "send": "x", "expect": values{"contains": "y"}}, sample.Reset},
		"silence":    {values{"address": listening(t, silent), "send": "x", "expect": values{"contains": "y"}}, sample.Timeout},
		"no TLS":     {values{"address": echo, "tls": values{}}, sample.TLS},
		"no name":    {values{"address": "nobody.invalid:80", "resolver": startDNS(t, &zone{}).address}, sample.DNS},
	} {
		t.Run(name, func(t *testing.T) {
			requireClass(t, c.class, askOnce(t, newProber(t, "tcp", c.cfg), patience(c.class)))
		})
	}
}

func TestDNS(t *testing.T) {
	z := &zone{ttl: 60}
	z.set("shop.test.", "127.0.0.1", "127.0.0.2")
	server := startDNS(t, z)
	for name, c := range map[string]struct {
		cfg   values
		class sample.Class
	}{
		"good":            {values{"name": "shop.test"}, sample.NoClass},
		"over TCP":        {values{"name": "shop.test", "transport": "tcp"}, sample.NoClass},
		"contents":        {values{"name": "shop.test", "expect": values{"answers": []string{"127.0.0.2"}, "min_answers": 2}}, sample.NoClass},
		"wrong contents":  {values{"name": "shop.test", "expect": values{"answers": []string{"127.0.0.3"}}}, sample.Body},
		"too few":         {values{"name": "shop.test", "expect": values{"min_answers": 3}}, sample.Body},
		"no such name":    {values{"name": "nobody.test"}, sample.DNS},
		"NXDOMAIN wanted": {values{"name": "nobody.test", "expect": values{"rcode": "nxdomain"}}, sample.NoClass},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg["server"] = server.address
			requireClass(t, c.class, askOnce(t, newProber(t, "dns", c.cfg), patience(c.class)))
		})
	}
	z.mode.Store(dropAll)
	requireClass(t, sample.Timeout, askOnce(t, newProber(t, "dns", values{"name": "shop.test", "server": server.address}), 200*time.Millisecond))
	z.mode.Store(servfailAll)
	a := askOnce(t, newProber(t, "dns", values{"name": "shop.test", "server": server.address}), 10*time.Second)
	requireClass(t, sample.DNS, a)
	require.Contains(t, a.Detail, "SERVFAIL")
}

func TestGRPC(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server, status := grpc.NewServer(), health.NewServer()
	grpc_health_v1.RegisterHealthServer(server, status)
	go func() { _ = server.Serve(l) }()
	defer server.Stop()
	status.SetServingStatus("shop", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	address := l.Addr().String()
	for name, c := range map[string]struct {
		cfg   values
		class sample.Class
	}{
		"serving":            {values{"address": address}, sample.NoClass},
		"dialing anew":       {values{"address": address, "keepalive": false}, sample.NoClass},
		"not serving":        {values{"address": address, "service": "shop"}, sample.Status},
		"unknown service":    {values{"address": address, "service": "nobody"}, sample.Status},
		"refused":            {values{"address": refusing(t)}, sample.Refused},
		"silence":            {values{"address": listening(t, silent)}, sample.Timeout},
		"TLS where it isn't": {values{"address": address, "tls": values{"insecure": true}}, sample.TLS},
		"no name":            {values{"address": "nobody.invalid:80", "resolver": startDNS(t, &zone{}).address}, sample.DNS},
	} {
		t.Run(name, func(t *testing.T) {
			requireClass(t, c.class, askOnce(t, newProber(t, "grpc", c.cfg), patience(c.class)))
		})
	}
	p := newProber(t, "grpc", values{"address": address})
	require.True(t, askOnce(t, p, 10*time.Second).Good)
	server.Stop()
	requireClass(t, sample.Refused, eventually(t, p, func(a Answer) bool { return a.Class == sample.Refused }))
	again, err := net.Listen("tcp", address)
	require.NoError(t, err)
	second := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(second, health.NewServer())
	go func() { _ = second.Serve(again) }()
	defer second.Stop()
	eventually(t, p, func(a Answer) bool { return a.Good })
}

func eventually(t *testing.T, p Prober, ok func(Answer) bool) (a Answer) {
	t.Helper()
	require.Eventually(t, func() bool { a = askOnce(t, p, 10*time.Second); return ok(a) }, 10*time.Second, 10*time.Millisecond)
	return a
}

func TestExec(t *testing.T) {
	for name, c := range map[string]struct {
		cfg   values
		class sample.Class
	}{
		"good":           {values{"command": []string{"true"}}, sample.NoClass},
		"exit status":    {values{"command": []string{"false"}}, sample.Status},
		"wanted status":  {values{"command": []string{"sh", "-c", "exit 3"}, "expect": values{"exit_codes": []int{3}}}, sample.NoClass},
		"output":         {values{"command": []string{"sh", "-c", "echo $WHO"}, "env": values{"WHO": "me"}, "expect": values{"stdout_regex": "^me\n$"}}, sample.NoClass},
		"wrong output":   {values{"command": []string{"echo", "no"}, "expect": values{"stdout_regex": "yes"}}, sample.Body},
		"talkative":      {values{"command": []string{"sh", "-c", "head -c 10000000 /dev/zero"}}, sample.NoClass},
		"no such file":   {values{"command": []string{"/nowhere/at/all"}}, sample.Other},
		"killed by name": {values{"command": []string{"sh", "-c", "kill -9 $$"}}, sample.Status},
	} {
		t.Run(name, func(t *testing.T) {
			requireClass(t, c.class, askOnce(t, newProber(t, "exec", c.cfg), patience(c.class)))
		})
	}
}

func TestExecKillsTheWholeGroupAtTheTimeout(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	p := newProber(t, "exec", values{"command": []string{"sh", "-c", "sleep 1000 & echo $! > " + file + "; wait"}})
	requireClass(t, sample.Timeout, askOnce(t, p, 2*time.Second))
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(string(b), &pid)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return gone(pid) }, 5*time.Second, 10*time.Millisecond, "the grandchild is gone")
}

// gone is true for a process that has ended, reaped or not.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) != nil
	}
	return strings.Contains(string(stat), ") Z ")
}

func TestSchemasNameWhatTheConfigurationsRead(t *testing.T) {
	for name, kind := range Kinds() {
		require.NotEmpty(t, kind.Schema.Doc, name)
		for _, a := range kind.Schema.Attributes {
			require.NotEmpty(t, a.Doc, "%s.%s", name, a.Name)
			require.NotContains(t, []string{"rate", "timeout"}, a.Name, "these are every probe's")
		}
		expect := kind.Schema.Blocks[len(kind.Schema.Blocks)-1]
		require.Equal(t, "expect", expect.Name)
		require.True(t, hasAttribute(expect.Schema, "latency"), name)
		_, err := kind.New([]byte(`{"no":"sense"`), Env{})
		require.Error(t, err)
		_, err = kind.New([]byte(`{}`), Env{})
		require.Error(t, err, "%s needs attributes", name)
	}
}

func hasAttribute(s sdk.Schema, name string) bool {
	for _, a := range s.Attributes {
		if a.Name == name {
			return true
		}
	}
	return false
}

func TestLatencyOfABlock(t *testing.T) {
	for cfg, want := range map[string]time.Duration{
		`{}`: 0, `{"expect":null}`: 0, `{"expect":{"latency":"400ms"}}`: 400 * time.Millisecond, `{"expect":{"latency":1000}}`: time.Microsecond,
	} {
		got, err := Latency([]byte(cfg))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := Latency([]byte(`{"expect":{"latency":"soon"}}`))
	require.Error(t, err)
}
