package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// Local is a plugin served inside this process, over the same gRPC as a real one. It is for tests: nothing protects
// its faults from the death of the process.
type Local struct {
	*Client
	session *Session
	server  *grpc.Server
	conn    *grpc.ClientConn
	served  chan error
}

// ServeLocal begins to serve p. What the session has to say goes to logs.
func ServeLocal(p *Plugin, logs io.Writer) (*Local, error) {
	session, err := NewSession(p, logs)
	if err != nil {
		return nil, err
	}
	listener := bufconn.Listen(1 << 20)
	// A dead process runs no calls. Here they have to be waited for.
	opts := append(serverOptions(), grpc.WaitForHandlers(true))
	l := &Local{session: session, server: grpc.NewServer(opts...), served: make(chan error, 1)}
	session.Register(l.server)
	go func() { l.served <- l.server.Serve(listener) }()
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	dialOpts := append(DialOptions(), grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if l.conn, err = grpc.NewClient("passthrough:"+p.Name, dialOpts...); err != nil {
		l.server.Stop()
		return nil, fmt.Errorf("connecting to plugin %s: %w", p.Name, err)
	}
	l.Client = NewClient(p.Name, l.conn)
	return l, nil
}

// Done is closed when the lease has ended the session and its reverts are over.
func (l *Local) Done() <-chan struct{} { return l.session.Done() }

// Close reverts whatever is held, for at most ten seconds, and stops serving.
func (l *Local) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	l.session.Close(ctx)
	return l.stop()
}

// Kill stops serving and reverts nothing, as the death of a plugin's process would.
func (l *Local) Kill() error {
	l.session.abandon()
	return l.stop()
}

func (l *Local) stop() error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		l.server.Stop()
	}()
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		return errors.New("a call of the plugin still runs, although its context was cancelled ten seconds ago")
	}
	if err := l.conn.Close(); err != nil {
		return fmt.Errorf("closing the connection: %w", err)
	}
	return <-l.served
}
