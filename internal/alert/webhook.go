package alert

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type webhookConfig struct {
	Listen string            `json:"listen"`
	Path   string            `json:"path"`
	Token  string            `json:"token"`
	Alert  string            `json:"alert"`
	Labels map[string]string `json:"labels"`
}

func newWebhook(cfg json.RawMessage, _ Env) (Watcher, error) {
	c := webhookConfig{Path: "/"}
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the webhook alert: %w", err)
	}
	address, err := netip.ParseAddrPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen must be \"ip:port\": %w", err)
	}
	if !address.Addr().IsLoopback() && c.Token == "" {
		return nil, errors.New("listen: an address that others can reach needs a token")
	}
	if !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Path, "{} ") {
		return nil, fmt.Errorf("path must start with / and have no braces or spaces, not %q", c.Path)
	}
	return &c, nil
}

// Watch listens until ctx ends. Before anything is received, the alert is taken not to fire.
func (c *webhookConfig) Watch(ctx context.Context, base time.Time, emit func(State)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listening for alerts: %w", err)
	}
	emit(State{At: time.Since(base), Summary: "listening on " + listener.Addr().String()})
	board := newBoard(base, emit)
	defer board.close()
	server := &http.Server{Handler: c.handler(board), ReadTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 64 << 10}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close()
		}
	})
	err = server.Serve(listener)
	if !stop() {
		<-stopped
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("listening for alerts: %w", err)
}

const maxNotice = 1 << 20

func (c *webhookConfig) handler(b *board) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+c.Path, func(w http.ResponseWriter, r *http.Request) {
		if !c.allowed(r) {
			http.Error(w, "the token is missing or wrong", http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotice))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		notices, err := parseNotices(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		b.post(notices, func(n notice) bool { return n.generic || matches(n.Labels, c.Alert, c.Labels) })
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (c *webhookConfig) allowed(r *http.Request) bool {
	if c.Token == "" {
		return true
	}
	got := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	return subtle.ConstantTimeCompare([]byte(got), []byte(c.Token)) == 1
}

func webhookSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Receives alerts by HTTP POST: Alertmanager's webhook format, or {\"firing\": true, \"summary\": \"text\"}.",
		Attributes: []sdk.Attribute{
			{Name: "listen", Type: sdk.String, Required: true, Doc: "\"ip:port\" to listen on. One that is not loopback needs a token"},
			{Name: "path", Type: sdk.String, Default: "/", Doc: "Path of the URL"},
			{Name: "token", Type: sdk.String, Sensitive: true, Doc: "What the sender gives as Authorization: Bearer TOKEN"},
			{Name: "alert", Type: sdk.String, Doc: "Only alerts of this name count. Default: any"},
			{Name: "labels", Type: sdk.StringMap, Doc: "Only alerts with these labels count"},
		},
	}
}
