package live

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

func testContext(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx, cancel
}

// deeds are what was done by those who may.
type deeds struct{ done []string }

func (d *deeds) Acknowledge(addr, by, answer string) error {
	if addr != "action.manual.decide" {
		return errors.New("nothing waits for that any more")
	}
	d.done = append(d.done, "acknowledge "+addr+" "+by+" "+answer)
	return nil
}

func (d *deeds) Note(_ context.Context, by, text string) error {
	d.done = append(d.done, "note "+by+" "+text)
	return nil
}

func (d *deeds) Abort(by, reason string) error {
	d.done = append(d.done, "abort "+by+" "+reason)
	return nil
}

func aServer(t *testing.T) (*Server, *deeds, http.Handler) {
	d := &deeds{}
	s := &Server{Access: NewAccess(true), Control: d, Room: NewRoom(filepath.Join(t.TempDir(), "journal"), nil, nil),
		Dir: t.TempDir(), Reports: map[string]string{"report.html": "text/html; charset=utf-8"}}
	return s, d, s.Handler()
}

// ask sends one request; headers come in pairs. It is sent to localhost, from its page, unless they say otherwise.
func ask(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "http://localhost:8080")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const anAbort = `{"by":"ada","text":"enough","sure":true}`

// session turns a token into the cookie that a browser would send.
func session(t *testing.T, h http.Handler, token string) string {
	w := ask(h, "POST", "/api/session", `{"token":"`+token+`"}`)
	require.Equal(t, 200, w.Code, w.Body)
	c := w.Result().Cookies()[0]
	require.True(t, c.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, c.SameSite)
	return c.Name + "=" + c.Value
}

func TestWhoMayDoWhat(t *testing.T) {
	s, d, h := aServer(t)
	control, guest := session(t, h, s.Access.Control), session(t, h, s.Access.Guest)
	cases := []struct {
		what    string
		code    int
		headers []string
	}{
		{"nobody", 401, nil},
		{"a wrong cookie", 401, []string{"Cookie", control + "x"}},
		{"a wrong token", 401, []string{"Authorization", "Bearer x"}},
		{"an empty token", 401, []string{"Authorization", "Bearer "}},
		{"a guest", 403, []string{"Cookie", guest}},
		{"another site", 403, []string{"Cookie", control, "Origin", "https://evil.example"}},
		{"another port of this host", 403, []string{"Cookie", control, "Origin", "http://localhost:3000"}},
		{"another site, as the browser says", 403, []string{"Cookie", control, "Sec-Fetch-Site", "same-site"}},
		{"a form of another site", 403, []string{"Cookie", control, "Origin", "null", "Content-Type", "text/plain"}},
		{"a browser that does not say from where", 403, []string{"Cookie", control, "Origin", ""}},
		{"a name that was made to point here", 421, []string{"Cookie", control, "Host", "rebound.example:8080", "Origin", "http://rebound.example:8080"}},
		{"another machine's address", 421, []string{"Cookie", control, "Host", "10.0.0.7:8080", "Origin", "http://10.0.0.7:8080"}},
		{"a form", 415, []string{"Cookie", control, "Content-Type", "application/x-www-form-urlencoded"}},
	}
	for _, c := range cases {
		require.Equal(t, c.code, ask(h, "POST", "/api/abort", anAbort, c.headers...).Code, c.what)
	}
	require.Empty(t, d.done)
	require.Equal(t, 202, ask(h, "POST", "/api/abort", anAbort, "Cookie", control).Code)
	require.Equal(t, 202, ask(h, "POST", "/api/abort", anAbort, "Authorization", "Bearer "+s.Access.Control, "Origin", "").Code, "a script with the token")
	require.Equal(t, []string{"abort ada enough", "abort ada enough"}, d.done)
	require.Equal(t, 401, ask(h, "GET", "/api/stream", "").Code)
	require.Equal(t, 401, ask(h, "GET", "/report/report.html", "").Code)
	require.Equal(t, 401, ask(h, "POST", "/api/session", `{"token":""}`).Code)
	require.Equal(t, 404, ask(h, "GET", "/api/abort", "", "Cookie", control).Code)
}

func TestAPageThatOnlyShows(t *testing.T) {
	s, _, _ := aServer(t)
	s.Access, s.Control = NewAccess(false), nil
	h := s.Handler()
	require.Equal(t, 401, ask(h, "POST", "/api/abort", anAbort, "Authorization", "Bearer ").Code, "no token is no token")
	require.Equal(t, 403, ask(h, "POST", "/api/abort", anAbort, "Authorization", "Bearer "+s.Access.Guest).Code)
}

func TestWhatPeopleMaySend(t *testing.T) {
	s, d, h := aServer(t)
	post := func(path, body string) int {
		return ask(h, "POST", path, body, "Authorization", "Bearer "+s.Access.Control).Code
	}
	require.Equal(t, 400, post("/api/abort", `{"by":"ada"}`), "an abort is confirmed")
	require.Equal(t, 400, post("/api/abort", `{"sure":true}`), "and has a name")
	require.Equal(t, 400, post("/api/note", `{"by":"ada","text":" \n "}`))
	require.Equal(t, 400, post("/api/note", `{"by":"ada","text":"`+strings.Repeat("x", maxText+1)+`"}`))
	require.Equal(t, 400, post("/api/note", `{"by":"`+strings.Repeat("x", maxName+1)+`","text":"x"}`))
	require.Equal(t, 400, post("/api/note", `{"by":"ada","text":"`+strings.Repeat("x", 2*maxBody)+`"}`))
	require.Equal(t, 400, post("/api/note", `{`))
	require.Equal(t, 409, post("/api/acknowledge", `{"by":"ada","addr":"action.manual.other"}`))
	require.Empty(t, d.done)
	require.Equal(t, 202, post("/api/note", `{"by":" ada\u0007 ","text":"one\ntwo \u001b[31mred\u202e"}`))
	require.Equal(t, 202, post("/api/acknowledge", `{"by":"ada","addr":"action.manual.decide","text":"done"}`))
	require.Equal(t, []string{"note ada one two [31mred", "acknowledge action.manual.decide ada done"}, d.done)
	codes := map[int]int{}
	for range 3 * noteBurst {
		codes[post("/api/note", `{"by":"ada","text":"x"}`)]++
	}
	require.Positive(t, codes[429], "nobody floods the journal")
	require.LessOrEqual(t, codes[202], noteBurst+3)
}

func TestThePageAsksNobodyElse(t *testing.T) {
	_, _, h := aServer(t)
	w := ask(h, "GET", "/", "")
	require.Equal(t, 200, w.Code)
	policy := w.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	require.NotContains(t, policy, "http")
	require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
	files, err := assets.ReadDir("assets")
	require.NoError(t, err)
	for _, f := range files {
		b, err := assets.ReadFile("assets/" + f.Name())
		require.NoError(t, err)
		text := strings.ReplaceAll(string(b), "http://www.w3.org/2000/svg", "")
		require.NotContains(t, text, "http:", f.Name())
		require.NotContains(t, text, "https:", f.Name())
		require.NotContains(t, text, "innerHTML", f.Name())
		require.NotContains(t, text, " style=", f.Name())
		require.Equal(t, 200, ask(h, "GET", "/"+strings.TrimSuffix(f.Name(), "index.html"), "").Code)
	}
}

func TestAReportReachesNothing(t *testing.T) {
	s, _, h := aServer(t)
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "report.html"), []byte("<script>1</script>"), 0o600))
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("hush"), 0o600))
	get := func(path string) *httptest.ResponseRecorder {
		return ask(h, "GET", path, "", "Authorization", "Bearer "+s.Access.Guest)
	}
	w := get("/report/report.html")
	require.Equal(t, 200, w.Code)
	require.True(t, strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "sandbox allow-scripts"))
	require.Equal(t, `["report.html"]`, strings.TrimSpace(get("/api/reports").Body.String()))
	for _, path := range []string{"/report/journal", "/report/plan.json", "/report/..%2fsecret", "/report/%2e%2e"} {
		require.NotEqual(t, 200, get(path).Code, path)
	}
	require.NoError(t, os.Remove(filepath.Join(s.Dir, "report.html")))
	require.NoError(t, os.Symlink(outside, filepath.Join(s.Dir, "report.html")))
	require.NotContains(t, get("/report/report.html").Body.String(), "hush")
}

func TestAddresses(t *testing.T) {
	for _, local := range []string{":8080", "localhost:8080", "127.0.0.1:1", "127.9.9.9:1", "[::1]:8080", "[::ffff:127.0.0.1]:1"} {
		_, err := ParseAddress(local, false, nil)
		require.NoError(t, err, local)
	}
	for _, wide := range []string{"0.0.0.0:8080", "[::]:8080", "10.0.0.5:8080", "gameday.example:8080", "localhost.example:1"} {
		_, err := ParseAddress(wide, false, nil)
		require.ErrorIs(t, err, ErrNotLoopback, wide)
		_, err = ParseAddress(wide, true, nil)
		require.NoError(t, err, wide)
	}
	_, err := ParseAddress("8080", false, nil)
	require.ErrorContains(t, err, "8080")
	a, err := ParseAddress(":0", true, nil)
	require.NoError(t, err)
	l, err := a.Listen()
	require.NoError(t, err)
	defer l.Close()
	require.True(t, l.Addr().(*net.TCPAddr).IP.IsLoopback(), ":PORT is this machine, public or not")
}

func TestHosts(t *testing.T) {
	own, err := os.Hostname()
	require.NoError(t, err)
	local, wide := Address{Port: "8080"}, Address{Host: "0.0.0.0", Port: "8080", Names: []string{"gd.example"}}
	for host, ok := range map[string][2]bool{
		"localhost:8080": {true, false}, "127.0.0.1:8080": {true, true}, "[::1]:8080": {true, true}, "10.1.2.3:8080": {false, true},
		"evil.example": {false, false}, "GD.example:443": {false, true}, "": {false, false}, "localhost.evil.example": {false, false},
	} {
		require.Equal(t, ok, [2]bool{local.allows(host), wide.allows(host)}, host)
	}
	require.True(t, wide.allows(own))
}

// TestTheLastWords ends a page while somebody watches: they hear how the run ended, and nothing is left running.
func TestTheLastWords(t *testing.T) {
	sc := newScene(t, time.Now())
	s := &Server{Access: NewAccess(true), Control: &deeds{}, Room: NewRoom(sc.path, nil, nil)}
	s.Address.Port = "0"
	l, err := s.Address.Listen()
	require.NoError(t, err)
	ctx, cancel := testContext(t)
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	req, err := http.NewRequest(http.MethodGet, s.Address.URL(l)+"api/stream", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+s.Access.Guest)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	first := make([]byte, 64)
	_, err = io.ReadAtLeast(resp.Body, first, 20)
	require.NoError(t, err)
	sc.add(5*time.Second, journal.RunEnded, journal.EndedBody{Reason: "the plan was carried out"})
	s.Room.Conclude(Verdict{Word: "Passed"})
	cancel()
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.True(t, bytes.Contains(rest, []byte(`"word":"Passed"`)))
	require.True(t, bytes.Contains(rest, []byte("the run ended: the plan was carried out")))
}

func TestAPageWithoutAJournalEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(path, []byte("a shopping list, and not what it seems"), 0o600))
	s := &Server{Address: Address{Port: "0"}, Access: NewAccess(false), Room: NewRoom(path, nil, nil)}
	l, err := s.Address.Listen()
	require.NoError(t, err)
	ctx, _ := testContext(t)
	require.ErrorIs(t, s.Serve(ctx, l), journal.ErrNotJournal)
}
