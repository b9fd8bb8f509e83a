package resolver

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/forward"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
)

// Command is the first argument that starts a resolver.
const Command = "serve"

// Main runs a resolver until it is told to end, and returns the exit code.
func Main(args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("gameday-plugin-dns "+Command, flag.ContinueOnError)
	flags.SetOutput(errOut)
	listen := flags.String("listen", "127.0.0.1:5353", "where clients ask, as `ip:port`")
	upstream := flags.String("upstream", "", "the server that everything is passed on to, as `ip:port` or ip")
	control := flags.String("control", DefaultControl(), "the Unix `socket` by which the plugin reaches this resolver")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	to, err := server(*upstream)
	if err == nil && to.String() == *listen {
		err = fmt.Errorf("%s is where this resolver itself listens", to)
	}
	if err != nil {
		fmt.Fprintf(errOut, "gameday-plugin-dns: error: -upstream: %v\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *listen, to, *control, out); err != nil {
		fmt.Fprintf(errOut, "gameday-plugin-dns: error: %v\n", err)
		return 1
	}
	return 0
}

func server(text string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	to, err := netip.ParseAddrPort(text)
	if err != nil {
		return to, fmt.Errorf("%q is no address of a server, such as 192.0.2.53 or 192.0.2.53:53", text)
	}
	return to, nil
}

// daemon is a resolver that runs.
type daemon struct {
	id       string
	listen   string
	upstream string
	rules    *rule.Set
	mu       sync.Mutex
	entries  map[string]Entry // what is known of a rule beside its state
}

func serve(ctx context.Context, listen string, upstream netip.AddrPort, control string, out io.Writer) error {
	udp, tcp, err := open(listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", listen, err)
	}
	d := &daemon{id: rand.Text(), listen: tcp.Addr().String(), upstream: upstream.String(), rules: rule.NewSet(), entries: map[string]Entry{}}
	f := &forward.Forwarder{Rules: d.rules, Server: upstream, Dial: plain}
	if err := f.Start(udp, tcp); err != nil {
		return err
	}
	defer f.Stop()
	l, err := private(control)
	if err != nil {
		return fmt.Errorf("listening on the control socket %s: %w", control, err)
	}
	api := &http.Server{Handler: d.control(), ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- api.Serve(l) }()
	fmt.Fprintf(out, "gameday-plugin-dns: resolving on %s by %s; control %s\n", d.listen, d.upstream, control)
	d.tidy(ctx)
	err = api.Close()
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

func open(listen string) (*net.UDPConn, *net.TCPListener, error) {
	at, err := netip.ParseAddrPort(listen)
	if err != nil {
		return nil, nil, err
	}
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, nil, err
	}
	tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(udp.LocalAddr().(*net.UDPAddr).AddrPort()))
	if err != nil {
		return nil, nil, errors.Join(err, udp.Close())
	}
	return udp, tcp, nil
}

// private listens on a Unix socket that only its owner may use. One that a dead resolver has left is replaced.
func private(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if c, err := net.Dial("unix", path); err == nil {
		return nil, errors.Join(errors.New("another resolver uses it"), c.Close())
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// plain connects without more ado: the server sees this machine, not the client.
func plain(ctx context.Context, network string, to netip.AddrPort, _ netip.Addr) (net.Conn, error) {
	return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, to.String())
}

// tidy forgets rules whose time is over, until the context ends.
func (d *daemon) tidy(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.rules.Lapsed()
		}
	}
}

// control is what a plugin may ask for.
func (d *daemon) control() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(d.info()) })
	m.HandleFunc("PUT /rules/{id}", d.put)
	m.HandleFunc("DELETE /rules/{id}", func(_ http.ResponseWriter, req *http.Request) { d.rules.Drop(req.PathValue("id")) })
	return m
}

// maxRules is how many may stand at a time.
const maxRules = 256

func (d *daemon) put(w http.ResponseWriter, req *http.Request) {
	id := req.PathValue("id")
	var o order
	if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxControl)).Decode(&o); err != nil || o.For <= 0 {
		http.Error(w, fmt.Sprintf("a rule that lasts for %v: %v", o.For, err), http.StatusBadRequest)
		return
	}
	until := time.Now().Add(o.For)
	if o.Renew {
		if !d.rules.Renew(id, until) {
			http.Error(w, "the rule does not stand", http.StatusGone)
		}
		return
	}
	if len(d.info().Rules) >= maxRules {
		http.Error(w, fmt.Sprintf("%d rules stand already", maxRules), http.StatusTooManyRequests)
		return
	}
	d.rules.Put(id, o.Rule, until)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries[id] = Entry{ID: id, Run: o.Run, Rule: o.Rule}
}

func (d *daemon) info() Info {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := Info{ID: d.id, Listen: d.listen, Upstream: d.upstream, Rules: []Entry{}}
	for id, e := range d.entries {
		left, hits, stands := d.rules.Look(id)
		if !stands {
			delete(d.entries, id)
			continue
		}
		e.Left, e.Hits = left, hits
		out.Rules = append(out.Rules, e)
	}
	slices.SortFunc(out.Rules, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
	return out
}
