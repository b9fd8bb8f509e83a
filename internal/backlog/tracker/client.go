package tracker

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// client sends requests with JSON in them, waits as long as a tracker that is throttling asks for, and keeps the token out of
// every error.
type client struct {
	base    string
	auth    string
	secrets []string
	headers map[string]string
	http    *http.Client
	wait    func(context.Context, time.Duration) error
	pause   time.Duration // between changes
	last    time.Time     // of the last change
	now     func() time.Time
}

const (
	attempts    = 5
	longestWait = 2 * time.Minute // a tracker that wants more is asked another time
	maxAnswer   = 16 << 20
	maxPages    = 200
	answerTime  = 30 * time.Second
)

func newClient(base, user, token string) *client {
	c := &client{base: base, auth: "Bearer " + token, secrets: []string{token}, headers: map[string]string{}, wait: sleep, now: time.Now}
	if user != "" {
		basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + token))
		c.auth, c.secrets = "Basic "+basic, append(c.secrets, basic)
	}
	// A redirect would take the token to somebody else, or a POST to a GET.
	c.http = &http.Client{Timeout: answerTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// StatusError is an answer that is none of those that were hoped for.
type StatusError struct {
	Method, Path string
	Status       int
	Said         string
}

func (e *StatusError) Error() string {
	hint := ""
	switch e.Status {
	case http.StatusUnauthorized:
		hint = ": the token is not accepted"
	case http.StatusForbidden:
		hint = ": the token may not do that"
	case http.StatusNotFound:
		hint = ": there is no such thing, or the token may not see it"
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		hint = ": it is elsewhere; correct the tracker's address"
	}
	if e.Said != "" {
		hint += ": " + e.Said
	}
	return fmt.Sprintf("%s %s answered %d%s", e.Method, e.Path, e.Status, hint)
}

// LostError is a change of which nobody knows whether it was made: the answer did not arrive, or was that of a server in
// trouble.
type LostError struct{ Err error }

func (e *LostError) Error() string { return e.Err.Error() }
func (e *LostError) Unwrap() error { return e.Err }

// do sends one request, and again while it is told to slow down; such an answer means that nothing was done. A reading
// request is also repeated after a server's failure. out may be nil.
func (c *client) do(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, fmt.Errorf("writing the request: %w", err)
		}
	}
	reads := method == http.MethodGet || strings.HasSuffix(path, "/search/jql")
	if !reads {
		if err := c.spaced(ctx); err != nil {
			return nil, err
		}
	}
	for n := 1; ; n++ {
		header, err := c.once(ctx, method, path, body, out)
		delay, again := c.again(header, err, n, reads)
		if !again || n == attempts {
			return header, c.redact(err)
		}
		if delay > longestWait {
			return header, c.redact(fmt.Errorf("%w; it asks to wait %s: try again then", err, delay.Round(time.Second)))
		}
		if err := c.wait(ctx, delay); err != nil {
			return header, err
		}
	}
}

// spaced keeps changes apart, where a tracker asks for that.
func (c *client) spaced(ctx context.Context) error {
	if left := c.pause - c.now().Sub(c.last); c.pause > 0 && left > 0 && !c.last.IsZero() {
		if err := c.wait(ctx, left); err != nil {
			return err
		}
	}
	c.last = c.now()
	return nil
}

func (c *client) once(ctx context.Context, method, path string, body []byte, out any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Authorization", c.auth)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "gameday")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range c.headers {
		req.Header.Set(k, v)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &LostError{err}
	}
	b, readErr := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	readErr = errors.Join(readErr, resp.Body.Close())
	switch {
	case resp.StatusCode >= 300:
		err = &StatusError{Method: method, Path: cutQuery(path), Status: resp.StatusCode, Said: said(b)}
		if resp.StatusCode >= 500 && (resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "") {
			err = &LostError{err}
		}
		return resp.Header, err
	case readErr != nil:
		return resp.Header, &LostError{readErr}
	case out != nil && len(b) > 0:
		if err := json.Unmarshal(b, out); err != nil {
			return resp.Header, &LostError{fmt.Errorf("%s %s: the answer is not understood: %w", method, cutQuery(path), err)}
		}
	}
	return resp.Header, nil
}

// again says whether to try again, and after how long. GitHub's secondary limits come as 403 with Retry-After, or with no
// requests remaining until a moment.
func (c *client) again(h http.Header, err error, n int, reads bool) (time.Duration, bool) {
	if err == nil {
		return 0, false
	}
	backoff := time.Second << (n - 1)
	var status *StatusError
	if !errors.As(err, &status) {
		return backoff, reads && !errors.Is(err, context.Canceled)
	}
	spent := h.Get("X-RateLimit-Remaining") == "0"
	switch {
	case status.Status == http.StatusTooManyRequests, status.Status == http.StatusServiceUnavailable && h.Get("Retry-After") != "",
		status.Status == http.StatusForbidden && (h.Get("Retry-After") != "" || spent):
	case status.Status >= 500:
		return backoff, reads
	default:
		return 0, false
	}
	if s, err := strconv.Atoi(h.Get("Retry-After")); err == nil {
		return max(0, time.Duration(s)*time.Second), true
	}
	if at, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		return max(0, at.Sub(c.now())), true
	}
	if at, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && spent {
		return max(time.Second, time.Unix(at, 0).Sub(c.now())), true
	}
	return backoff, true
}

// said is what a tracker says about a failure, in short.
func said(b []byte) string {
	var m struct {
		Message string          `json:"message"`
		Errors  json.RawMessage `json:"errors"`
		Texts   []string        `json:"errorMessages"`
		Error   json.RawMessage `json:"error"`
	}
	if json.Unmarshal(b, &m) != nil {
		return ""
	}
	var parts []string
	if m.Message != "" {
		parts = append(parts, m.Message)
	}
	parts = append(parts, m.Texts...)
	for _, raw := range []json.RawMessage{m.Errors, m.Error} {
		if text := string(raw); len(raw) > 2 && text != "null" {
			parts = append(parts, text)
		}
	}
	all := strings.Join(strings.Fields(strings.Join(parts, "; ")), " ")
	if len(all) > 300 {
		all = strings.ToValidUTF8(all[:300], "") + "..."
	}
	return all
}

// redact keeps the token out of an error, also where a tracker repeats it.
func (c *client) redact(err error) error {
	if err == nil {
		return nil
	}
	for _, s := range c.secrets {
		if strings.Contains(err.Error(), s) {
			var lost *LostError
			plain := errors.New(strings.ReplaceAll(err.Error(), s, "(secret)"))
			if errors.As(err, &lost) {
				return &LostError{plain}
			}
			return plain
		}
	}
	return err
}

func cutQuery(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}

// missing says whether the answer was that there is no such thing.
func missing(err error) bool {
	var s *StatusError
	return errors.As(err, &s) && (s.Status == http.StatusNotFound || s.Status == http.StatusGone)
}
