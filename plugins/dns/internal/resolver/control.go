package resolver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
)

// The resolver lives for as long as its owner wants, whether a game day runs or not. A plugin tells it over a Unix socket
// what to fail, and for how long at most: a rule that is not renewed ends by itself, and the resolver then passes everything
// on as before. Rules are in its memory only, so a resolver that is started again has none.

// Info says which resolver it is. Another start has another ID.
type Info struct {
	ID       string  `json:"id"`
	Listen   string  `json:"listen"`
	Upstream string  `json:"upstream"`
	Rules    []Entry `json:"rules"`
}

// Entry is one rule that stands.
type Entry struct {
	ID   string        `json:"id"`
	Run  string        `json:"run"`
	Left time.Duration `json:"left"`
	Hits uint64        `json:"hits"`
	Rule rule.Rule     `json:"rule"`
}

// order lets a rule stand, or stand for longer.
type order struct {
	Run   string        `json:"run"`
	Rule  rule.Rule     `json:"rule"`
	For   time.Duration `json:"for"`
	Renew bool          `json:"renew,omitempty"`
}

// ErrNone means that no resolver runs.
var ErrNone = errors.New("no resolver runs")

// ErrLapsed means that the rule has ended by itself, or that the resolver has been started again since.
var ErrLapsed = errors.New("the resolver has ended the fault already")

// DefaultControl is the socket that everybody who may use the resolver agrees on.
func DefaultControl() string {
	if os.Geteuid() == 0 {
		return "/run/gameday/dns.sock"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gameday", "dns.sock")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("gameday-%d", os.Geteuid()), "dns.sock")
}

// Client talks to the resolver behind a control socket.
type Client struct{ Socket string }

// Info asks the resolver what it is and does.
func (c Client) Info(ctx context.Context) (Info, error) {
	var out Info
	return out, c.call(ctx, http.MethodGet, "/", nil, &out)
}

// Put lets a rule stand.
func (c Client) Put(ctx context.Context, id, run string, r rule.Rule, lasts time.Duration) error {
	return c.call(ctx, http.MethodPut, "/rules/"+url.PathEscape(id), order{Run: run, Rule: r, For: lasts}, nil)
}

// Renew lets a rule that stands do so for longer, or returns ErrLapsed.
func (c Client) Renew(ctx context.Context, id string, lasts time.Duration) error {
	return c.call(ctx, http.MethodPut, "/rules/"+url.PathEscape(id), order{For: lasts, Renew: true}, nil)
}

// Drop ends a rule. One that is not there is no error.
func (c Client) Drop(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/rules/"+url.PathEscape(id), nil, nil)
}

// trust refuses a socket that another user has put there: what it says is believed.
func (c Client) trust() error {
	var st syscall.Stat_t
	if err := syscall.Stat(c.Socket, &st); err == nil && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("the socket %s belongs to user %d, and this is user %d", c.Socket, st.Uid, os.Geteuid())
	}
	return nil // one that is not there is found out by the call
}

// maxControl bounds a message of the control.
const maxControl = 1 << 20

func (c Client) call(ctx context.Context, method, path string, in, out any) error {
	if err := c.trust(); err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("asking the resolver: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://resolver"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking the resolver: %w", err)
	}
	t := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", c.Socket)
	}}
	defer t.CloseIdleConnections()
	answer, err := (&http.Client{Transport: t, Timeout: 5 * time.Second}).Do(req)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w behind %s", ErrNone, c.Socket)
	}
	if err != nil {
		return fmt.Errorf("asking the resolver behind %s: %w", c.Socket, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxControl))
	switch {
	case err != nil:
		return fmt.Errorf("reading what the resolver says: %w", err)
	case answer.StatusCode == http.StatusGone:
		return ErrLapsed
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("the resolver refuses: %s", bytes.TrimSpace(text))
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("reading what the resolver says: %w", err)
	}
	return nil
}
