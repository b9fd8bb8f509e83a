package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Main runs the binary and returns its exit code. Without arguments it is the plugin, and does not return.
func Main(args []string, in io.Reader, out io.Writer) int {
	if len(args) == 0 {
		sdk.Serve(New())
	}
	if args[0] == worker.Command {
		return worker.Run(args[1:], in, out)
	}
	fmt.Fprintln(os.Stderr, "gameday-plugin-host is a plugin: gameday starts it. See what it offers with: gameday plugin docs host")
	return 2
}

// hand is a worker of this process.
type hand struct {
	process *os.Process
	leash   *os.File // its standard input: the worker ends when this closes
	said    *os.File
	done    chan struct{} // closed when it is dead and reaped
}

// start starts a worker and waits until it has done what it was started for. Whatever goes wrong, none is left.
func (p *provider) start(ctx context.Context, s worker.Spec) error {
	running, err := worker.Find(s.Mark)
	if err != nil || len(running) > 0 {
		return err
	}
	h, err := spawn(s)
	if err != nil {
		return fmt.Errorf("starting a worker: %w", err)
	}
	heard := make(chan error, 1)
	go func() { heard <- h.listen() }()
	select {
	case err = <-heard:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		h.end()
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers[s.Mark] = h
	return nil
}

// stop ends every worker of a mark, whoever started it, and returns when the kernel shows none.
func (p *provider) stop(ctx context.Context, mark string) error {
	p.end(mark)
	var ending []worker.Found
	return proc.Await(ctx, func() (bool, error) {
		left, err := worker.Find(mark)
		for _, f := range left {
			err = errors.Join(err, f.Kill())
		}
		// A process that is about to end loses its command line first, and its memory and files after that.
		ending = append(ending, left...)
		ending = slices.DeleteFunc(ending, func(f worker.Found) bool { return !f.Info.ID().Alive() })
		return len(left)+len(ending) == 0, err
	})
}

// end ends the worker that this process started for a mark. It is known until it is dead, so that whoever comes while it dies
// waits as well.
func (p *provider) end(mark string) {
	p.mu.Lock()
	own := p.workers[mark]
	p.mu.Unlock()
	if own == nil {
		return
	}
	own.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.workers[mark] == own {
		delete(p.workers, mark)
	}
}

// spawn starts this program again. PR_SET_PDEATHSIG is about the thread that started a process, so the thread is kept for
// as long as the worker lives.
func spawn(s worker.Spec) (*hand, error) {
	args, err := s.Args()
	if err != nil {
		return nil, err
	}
	in, leash, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	said, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), leash.Close())
	}
	h := &hand{leash: leash, said: said, done: make(chan struct{})}
	began := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		defer close(h.done)
		var err error
		h.process, err = startProcess(args, in, out)
		began <- err
		if err == nil {
			_, _ = h.process.Wait()
		}
	}()
	if err = errors.Join(<-began, in.Close(), out.Close()); err != nil {
		return nil, errors.Join(err, leash.Close(), said.Close())
	}
	return h, nil
}

func startProcess(args []string, in, out *os.File) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	// Not the path: the file may have been replaced by a newer version since.
	return os.StartProcess("/proc/self/exe", args, &os.ProcAttr{
		Dir: "/", Env: []string{}, Files: []*os.File{in, out, null},
		Sys: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
}

// listen returns when the worker is ready, or with what went wrong.
func (h *hand) listen() error {
	line, err := bufio.NewReader(h.said).ReadString('\n')
	line = strings.TrimSpace(line)
	switch {
	case line == worker.Ready:
		return nil
	case line != "":
		return errors.New("the worker " + line)
	}
	return fmt.Errorf("the worker ended: %w", err)
}

// end kills the worker and waits for its end.
func (h *hand) end() {
	_ = h.process.Kill()
	<-h.done
	_ = h.leash.Close()
	_ = h.said.Close()
}
