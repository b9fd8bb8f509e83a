package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// lingering is how long the output of a dead plugin is still read. A child of the plugin may hold the pipe open for ever.
const lingering = 500 * time.Millisecond

// process is one plugin's process. It stands in for go-plugin's own runner, which shares our terminal, gives the
// plugin our standard input, and does not notice a death while a child of the plugin holds its output open.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr *os.File
	head           head

	mu     sync.Mutex // guards the start against a Kill
	killed bool

	exited  chan struct{} // closed when the process is gone
	drained chan struct{} // closed when its output has been read, too
	err     error         // of Wait; set before exited is closed
}

var _ runner.Runner = (*process)(nil)

func newProcess(path string) *process {
	cmd := exec.Command(path)
	// A session of its own: no signal of our terminal reaches it, so it lives to revert what we leave behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return &process{cmd: cmd, exited: make(chan struct{}), drained: make(chan struct{})}
}

// Start starts the process and the goroutine that waits for its end.
func (p *process) Start(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return errors.New("stopped before it started")
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		return errors.Join(fmt.Errorf("making a pipe: %w", err), outR.Close(), outW.Close())
	}
	p.stdout, p.stderr = outR, errR
	p.cmd.Stdout, p.cmd.Stderr = outW, errW
	err = p.cmd.Start()
	_, _ = outW.Close(), errW.Close()
	if err != nil {
		_, _ = outR.Close(), errR.Close()
		return fmt.Errorf("starting %s: %w", p.cmd.Path, err)
	}
	go p.wait()
	return nil
}

func (p *process) wait() {
	p.err = p.cmd.Wait()
	end := time.Now().Add(lingering)
	_, _ = p.stdout.SetReadDeadline(end), p.stderr.SetReadDeadline(end)
	close(p.exited)
}

// Wait is called by go-plugin once it has read all output.
func (p *process) Wait(context.Context) error {
	<-p.exited
	_, _ = p.stdout.Close(), p.stderr.Close()
	close(p.drained)
	return p.err
}

// Kill ends this process, by its own handle, and no other.
func (p *process) Kill(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.cmd.Process == nil {
		return nil
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing plugin process %d: %w", p.cmd.Process.Pid, err)
	}
	return nil
}

func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd.Process == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Stdout gives go-plugin the output, and keeps the beginning for our own diagnosis.
func (p *process) Stdout() io.ReadCloser {
	return tee{Reader: io.TeeReader(p.stdout, &p.head), Closer: p.stdout}
}

// Stderr, Name, ID, Diagnose and the two translations complete runner.Runner.
func (p *process) Stderr() io.ReadCloser           { return p.stderr }
func (p *process) Name() string                    { return p.cmd.Path }
func (p *process) ID() string                      { return strconv.Itoa(p.pid()) }
func (p *process) Diagnose(context.Context) string { return "" }

func (p *process) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}
func (p *process) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}

type tee struct {
	io.Reader
	io.Closer
}

// head keeps the first kilobytes of what is written to it.
type head struct {
	mu  sync.Mutex
	buf []byte
}

const headSize = 4096

func (h *head) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf = append(h.buf, b[:min(len(b), headSize-len(h.buf))]...)
	return len(b), nil
}

// line returns the first line.
func (h *head) line() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	first, _, _ := bytes.Cut(h.buf, []byte("\n"))
	return string(bytes.TrimSpace(first))
}
