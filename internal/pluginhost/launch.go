package pluginhost

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Plugin is one running plugin. Its calls are those of the embedded Client; an error of a dead plugin carries what the
// plugin last printed.
type Plugin struct {
	*sdk.Client
	// Info is what the plugin said about itself at its launch.
	Info sdk.Info
	// Name is the plugin's name, and Alias what the scenario calls this one; they are often the same.
	Name, Alias string
	// Path and SHA256 identify the file.
	Path, SHA256 string
	// StateDir is this plugin's own directory for Settings.StateDir; empty if the host has none.
	StateDir string

	host   *Host
	proc   *process
	tail   *tail
	wire   *plugin.Client
	conn   plugin.ClientProtocol
	cancel context.CancelFunc // ends the renewals
	ctx    context.Context
	jobs   sync.WaitGroup
	once   sync.Once
	stop   error
}

// Launch finds the plugin, checks its file, starts it in a session of its own and asks it to describe itself. The
// context bounds the launch and not the plugin's life. An empty alias means the name.
func (h *Host) Launch(ctx context.Context, name, alias string) (*Plugin, error) {
	if alias == "" {
		alias = name
	}
	path, err := h.Find(name)
	if err != nil {
		return nil, err
	}
	sum, err := h.check(name, path)
	if err != nil {
		return nil, err
	}
	p := &Plugin{Name: name, Alias: alias, Path: path, SHA256: sum, host: h, tail: &tail{alias: alias, sink: h.sink}, proc: newProcess(path)}
	if err := p.makeStateDir(h.opts.StateDir); err != nil {
		return nil, err
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	ctx, cancel := context.WithTimeoutCause(ctx, h.opts.StartTimeout,
		fmt.Errorf("it was not ready within %v", h.opts.StartTimeout))
	defer cancel()
	if err := p.start(ctx); err != nil {
		p.cancel()
		p.kill()
		return nil, fmt.Errorf("launching plugin %s (%s): %w", name, path, err)
	}
	h.add(p)
	return p, nil
}

func (p *Plugin) makeStateDir(root string) error {
	if root == "" {
		return nil
	}
	dir, err := filepath.Abs(filepath.Join(root, p.Alias))
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("making the state directory of plugin %s: %w", p.Alias, err)
	}
	p.StateDir = dir
	return nil
}

// start brings the process up as far as the answer of its first call.
func (p *Plugin) start(ctx context.Context) error {
	sockets, err := p.host.sockets.take()
	if err != nil {
		return err
	}
	p.wire = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  sdk.Handshake(),
		VersionedPlugins: sdk.HostPlugins(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		GRPCDialOptions:  sdk.DialOptions(),
		Logger:           hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Off}),
		Stderr:           p.tail,
		StartTimeout:     time.Hour, // the context ends it before
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: sockets},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			p.proc.cmd.Env = cmd.Env
			return p.proc, nil
		},
	})
	// go-plugin's launch knows no context, and ends when the process does.
	defer context.AfterFunc(ctx, func() { _ = p.proc.Kill(ctx) })()
	err = p.connect()
	if err == nil {
		p.Info, err = p.Describe(ctx)
	}
	if err != nil {
		return p.startError(ctx, err)
	}
	if p.Info.Name != p.Name {
		return fmt.Errorf("the file's name says %q and the plugin says that it is %q: rename the file", p.Name, p.Info.Name)
	}
	return nil
}

func (p *Plugin) connect() (err error) {
	if p.conn, err = p.wire.Client(); err != nil {
		return err
	}
	conn, err := sdk.Connect(p.conn)
	if err != nil {
		return err
	}
	p.Client = sdk.NewClient(p.Alias, conn).Explain(p.explain)
	return nil
}
