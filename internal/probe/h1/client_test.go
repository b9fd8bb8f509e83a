package h1

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counted is a server that counts its connections.
func counted(t *testing.T, h http.Handler) (s *httptest.Server, conns *atomic.Int64) {
	conns = new(atomic.Int64)
	s = httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, conns
}

func newClient(t *testing.T, method, url, body string, keep bool) *Client {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	require.NoError(t, err)
	r.Header.Set("User-Agent", "test")
	c, err := New(r, []byte(body), keep)
	require.NoError(t, err)
	c.Dial = new(net.Dialer).DialContext
	t.Cleanup(c.Close)
	return c
}

func ask(t *testing.T, c *Client) (status int, body string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err = c.Ask(ctx, func(r *http.Response) (bool, error) {
		b, err := io.ReadAll(r.Body)
		status, body = r.StatusCode, string(b)
		return true, err
	})
	return status, body, err
}

func TestAnswersOfAllShapes(t *testing.T) {
	s, conns := counted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/chunked":
			for range 3 {
				fmt.Fprint(w, strings.Repeat("x", 10_000))
				w.(http.Flusher).Flush()
			}
		case "/none":
			w.WriteHeader(http.StatusNoContent)
		case "/hints":
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprint(w, "after hints")
		default:
			fmt.Fprint(w, r.Method, " ", r.Host, " ", r.UserAgent(), " ", string(sent))
		}
	}))
	host := strings.TrimPrefix(s.URL, "http://")
	for _, c := range []struct {
		method, path, send, body string
		status                   int
	}{
		{"GET", "/", "", "GET " + host + " test ", 200},
		{"POST", "/", "hello", "POST " + host + " test hello", 200},
		{"HEAD", "/", "", "", 200},
		{"GET", "/chunked", "", strings.Repeat("x", 30_000), 200},
		{"DELETE", "/none", "", "", 204},
		{"GET", "/hints", "", "after hints", 200},
	} {
		before := conns.Load()
		client := newClient(t, c.method, s.URL+c.path, c.send, true)
		for range 3 {
			status, body, err := ask(t, client)
			require.NoError(t, err)
			require.Equal(t, c.status, status)
			require.Equal(t, c.body, body)
		}
		require.EqualValues(t, 1, conns.Load()-before, "%s %s uses one connection", c.method, c.path)
	}
}

func TestConnectionsThatMustNotBeUsedAgain(t *testing.T) {
	s, conns := counted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bye" {
			w.Header().Set("Connection", "close")
		}
		fmt.Fprint(w, r.Header.Get("Connection"))
	}))
	bye := newClient(t, "GET", s.URL+"/bye", "", true)
	for range 3 {
		_, _, err := ask(t, bye)
		require.NoError(t, err)
	}
	require.EqualValues(t, 3, conns.Load())
	single := newClient(t, "GET", s.URL, "", false)
	for range 3 {
		_, body, err := ask(t, single)
		require.NoError(t, err)
		require.Equal(t, "close", body)
	}
	require.EqualValues(t, 6, conns.Load())
	halfRead := newClient(t, "GET", s.URL, "", true)
	for range 2 {
		require.NoError(t, halfRead.Ask(t.Context(), func(*http.Response) (bool, error) { return false, nil }))
	}
	require.EqualValues(t, 8, conns.Load())
}

func TestAServerThatRestartsIsNoErrorForIdleConnections(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		address := s.Listener.Addr().String()
		c := newClient(t, method, s.URL, "x", true)
		_, _, err := ask(t, c)
		require.NoError(t, err)
		s.Close()
		var l net.Listener
		require.Eventually(t, func() bool { l, err = net.Listen("tcp", address); return err == nil }, 5*time.Second, time.Millisecond)
		again := httptest.NewUnstartedServer(s.Config.Handler)
		again.Listener.Close()
		again.Listener = l
		again.Start()
		c.pool.idle[0].idle = time.Now().Add(-surelyAlive) // long enough ago for the socket to be looked at
		_, _, err = ask(t, c)
		require.NoError(t, err, "the idle connection was seen to be closed, and another made")
		again.Close()
	}
}

// hangingUp answers the first request of a connection and closes at the second, having read it.
func hangingUp(t *testing.T) (address string, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for r := bufio.NewReader(conn); ; {
					request, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, request.Body)
					if requests.Add(1)%2 == 0 {
						return
					}
					fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			}()
		}
	}()
	return l.Addr().String(), requests
}

func TestOnlyWhatIsIdempotentIsSentTwice(t *testing.T) {
	address, requests := hangingUp(t)
	get := newClient(t, "GET", "http://"+address, "", true)
	for range 2 {
		_, _, err := ask(t, get)
		require.NoError(t, err)
	}
	require.EqualValues(t, 3, requests.Load(), "the second was sent again on a new connection")

	address, requests = hangingUp(t)
	post := newClient(t, "POST", "http://"+address, "x", true)
	_, _, err := ask(t, post)
	require.NoError(t, err)
	_, _, err = ask(t, post)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.EqualValues(t, 2, requests.Load())
}

func TestTheContextEndsAQuestion(t *testing.T) {
	release := make(chan struct{})
	s, conns := counted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	c := newClient(t, "GET", s.URL, "", true)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	require.Error(t, c.Ask(ctx, func(*http.Response) (bool, error) { return true, nil }))
	require.Less(t, time.Since(began), 3*time.Second)
	close(release)
	_, _, err := ask(t, c)
	require.NoError(t, err)
	require.EqualValues(t, 2, conns.Load(), "an interrupted connection is not used again")
}

func TestAnswersWithoutEndAreCut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				junk := []byte("X-Junk: " + strings.Repeat("x", 1<<16) + "\r\n")
				for _, err = fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n"); err == nil; {
					_, err = conn.Write(junk)
				}
			}()
		}
	}()
	_, _, err = ask(t, newClient(t, "GET", "http://"+l.Addr().String(), "", true))
	require.ErrorIs(t, err, errTooLong)
}

func TestManyAskAtOnce(t *testing.T) {
	s, conns := counted(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	c := newClient(t, "GET", s.URL, "", true)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				_, body, err := ask(t, c)
				if err != nil || body != "ok" {
					t.Errorf("%q, %v", body, err)
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, conns.Load(), int64(8))
}
