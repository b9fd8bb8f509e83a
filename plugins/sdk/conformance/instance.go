package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// longLease is the lease of a check that is not about leases.
const longLease = time.Hour

// instance is one life of the plugin: a process, or as good as one.
type instance struct {
	*sdk.Client
	// kill ends it without a chance to revert, as kill -9 would. close ends it in order. Only the first call counts.
	kill, close func() error
	// gone says whether it has ended by itself.
	gone func() bool
}

// modeBinary is the mode in which a kill is a real one.
const modeBinary = "binary"

// mode is a way to start the plugin.
type mode struct {
	name  string
	start func(context.Context) (*instance, error)
}

func (s Subject) modes() []mode {
	var out []mode
	if s.New != nil {
		out = append(out, mode{"in process", s.startLocal})
	}
	if s.Binary != "" {
		out = append(out, mode{modeBinary, s.startBinary})
	}
	return out
}

// open starts the plugin and configures it with a lease.
func (s Subject) open(ctx context.Context, m mode, lease time.Duration) (*instance, error) {
	i, err := m.start(ctx)
	if err != nil {
		return nil, fmt.Errorf("starting the plugin: %w", err)
	}
	_, problems, err := i.Configure(ctx, sdk.Settings{Config: s.Config, Lease: lease})
	if err == nil && sdk.HasErrors(problems) {
		err = fmt.Errorf("problems with the configuration: %v", problems)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("configuring the plugin: %w", err), i.kill())
	}
	return i, nil
}

func (s Subject) startLocal(context.Context) (*instance, error) {
	l, err := sdk.ServeLocal(s.New(), io.Discard)
	if err != nil {
		return nil, err
	}
	ended := false
	once := func(end func() error) func() error {
		return func() error {
			if ended {
				return nil
			}
			ended = true
			return end()
		}
	}
	gone := func() bool {
		select {
		case <-l.Done():
			return true
		default:
			return false
		}
	}
	return &instance{Client: l.Client, kill: once(l.Kill), close: once(l.Close), gone: gone}, nil
}

func (s Subject) startBinary(context.Context) (*instance, error) {
	cmd := exec.Command(s.Binary)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: sdk.Handshake(), VersionedPlugins: sdk.HostPlugins(), Cmd: cmd, AutoMTLS: true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, GRPCDialOptions: sdk.DialOptions(),
		Logger: hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Off}), StartTimeout: 10 * time.Second,
	})
	wire, err := c.Client()
	if err != nil {
		c.Kill()
		return nil, fmt.Errorf("%s: %w", s.Binary, err)
	}
	conn, err := sdk.Connect(wire)
	if err != nil {
		c.Kill()
		return nil, err
	}
	return &instance{
		Client: sdk.NewClient("under test", conn), gone: c.Exited, close: func() error { c.Kill(); return nil },
		kill: func() error {
			if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return fmt.Errorf("killing the plugin: %w", err)
			}
			c.Kill()
			return nil
		},
	}, nil
}
