package sdk

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// The exit codes of a plugin's process. A host tells from them how a plugin came to its end.
const (
	exitStopped = 0 // the host stopped it, and nothing is left
	exitFailed  = 1 // started by hand, or could not serve

	// ExitLeaseExpired: nobody renewed the lease. What was held is reverted.
	ExitLeaseExpired = 3
	// ExitFaultsLeft: at its end, it could not prove that all it held is gone. The lease record says what is left.
	ExitFaultsLeft = 4
)

// Serve serves p to the gameday that started this process. A plugin's main is this one call. It does not return.
//
// The process ignores the signals of its parent's terminal and a broken standard error, and outlives its parent for
// as long as the lease says: see Settings.Lease.
func Serve(p *Plugin) {
	os.Exit(serve(p)) // reverts are over by now: serve waits for them
}

func serve(p *Plugin) int {
	if os.Getenv(CookieKey) != CookieValue {
		fmt.Fprintln(os.Stderr, byHand(p))
		return exitFailed
	}
	out := newOutput()
	session, err := NewSession(p, out.stderr)
	if err != nil {
		fmt.Fprintf(os.Stderr, "gameday plugin: %v\n", err)
		return exitFailed
	}
	return process{session: session, out: out, parent: os.Getppid()}.run()
}

// process is a session in a process of its own.
type process struct {
	session *Session
	out     *output
	parent  int
}

func (p process) run() int {
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan struct{})
	server := make(chan *grpc.Server, 1)
	signals := make(chan os.Signal, 16)
	// Caught and not ignored: an ignored signal would stay ignored in the processes that the plugin starts.
	signal.Notify(signals, syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGPIPE)
	go func() {
		defer close(watched)
		p.watch(ctx, signals)
		select {
		case s := <-server:
			s.Stop()
		case <-ctx.Done(): // go-plugin has stopped by itself
		}
	}()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  Handshake(),
		VersionedPlugins: map[int]plugin.PluginSet{ProtocolVersion: {transportName: &transport{session: p.session}}},
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: p.out.stderr}),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			s := grpc.NewServer(append(append(opts, serverOptions()...), p.interceptors()...)...)
			server <- s
			return s
		},
	})
	cancel()
	<-watched
	p.session.Close(context.Background())
	// go-plugin gives each plugin a directory for its socket and leaves it to the host, which may be dead. If the host
	// lives, it removes the same directory. The one above it is gameday's own, for all its plugins: the last one removes it.
	if dir := os.Getenv(plugin.EnvUnixSocketDir); dir != "" {
		_ = os.Remove(dir)
		if dir = filepath.Dir(dir); strings.HasPrefix(filepath.Base(dir), SocketsPrefix) {
			_ = os.Remove(dir)
		}
	}
	return p.session.exitCode()
}

// watch returns when there is no reason to serve any more: the session is over, or the host is dead and no lease
// says to wait for it.
func (p process) watch(ctx context.Context, signals <-chan os.Signal) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.session.Done():
			return
		case sig := <-signals:
			// An order to terminate is for the host to carry out, which needs this process for its reverts. Without a
			// host (the machine is shutting down, say) it is ours, and there may be little time.
			if sig == syscall.SIGTERM && p.orphaned() {
				return
			}
		case <-tick.C:
			if p.orphaned() && !p.session.leased() {
				return
			}
		}
	}
}

func (p process) orphaned() bool { return os.Getppid() != p.parent }

// interceptors put the output in its place before the plugin's code first runs in a call.
func (p process) interceptors() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			p.out.restore()
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			p.out.restore()
			return next(srv, ss)
		}),
	}
}

func byHand(p *Plugin) string {
	name, version := "NAME", ""
	if p != nil {
		name, version = p.Name, " "+p.Version
	}
	return fmt.Sprintf(`This is the %[1]s plugin%[2]s of gameday. It is not meant to be started by hand: gameday starts it when a
scenario has a block: plugin %[1]q {}. See what it offers with: gameday plugin docs %[1]s`, name, version)
}
