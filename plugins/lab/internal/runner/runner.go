package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"sync"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/proc"
)

// restartPause keeps a process that cannot start from using up a core.
const restartPause = 500 * time.Millisecond

// The states of a process.
const (
	Starting = "starting"
	Running  = "running"
	Killed   = "killed"
	Frozen   = "frozen"
)

// Spec is one process: the binary again, in another role.
type Spec struct {
	Name string
	Args []string
}

// Runner owns the processes of a lab.
type Runner struct {
	exe     string
	logs    string
	changed func(map[string]proc.ID)
	spawner spawner
	wg      sync.WaitGroup

	mu    sync.Mutex
	procs map[string]*process
}

type process struct {
	spec    Spec
	id      proc.ID
	running bool
	ended   bool            // for good: stopped or removed
	holds   map[string]bool // the faults that keep it dead or frozen
	frozen  bool
	exited  chan struct{} // closed when the present incarnation has been reaped
	wake    chan struct{} // something changed for a process that waits to be started
}

// New returns a runner that logs into a directory. changed is told all identities whenever one changes.
func New(exe, logs string, changed func(map[string]proc.ID)) *Runner {
	return &Runner{exe: exe, logs: logs, changed: changed, spawner: newSpawner(), procs: map[string]*process{}}
}

// Start starts a process and keeps it running.
func (r *Runner) Start(spec Spec) error {
	p := &process{spec: spec, holds: map[string]bool{}, wake: make(chan struct{}, 1)}
	r.mu.Lock()
	if r.procs[spec.Name] != nil {
		r.mu.Unlock()
		return fmt.Errorf("starting %s: it exists already", spec.Name)
	}
	r.procs[spec.Name] = p
	r.mu.Unlock()
	cmd, err := r.launch(p)
	if err != nil {
		r.mu.Lock()
		delete(r.procs, spec.Name)
		r.mu.Unlock()
		return err
	}
	r.wg.Go(func() { r.keep(p, cmd) })
	return nil
}

func (r *Runner) launch(p *process) (*exec.Cmd, error) {
	log, err := os.OpenFile(filepath.Join(r.logs, p.spec.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.spec.Name, err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(r.exe, p.spec.Args...)
	cmd.Stdout, cmd.Stderr = log, log
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.ended || len(p.holds) > 0 {
		return nil, fmt.Errorf("starting %s: it was stopped meanwhile", p.spec.Name)
	}
	if err := r.spawner.start(cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.spec.Name, err)
	}
	id, err := proc.Of(cmd.Process.Pid)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", p.spec.Name, err), cmd.Process.Kill(), cmd.Wait())
	}
	p.id, p.running, p.exited = id, true, make(chan struct{})
	r.tell()
	return cmd, nil
}

// tell is called with the lock held, so that identities are told in the order in which they changed.
func (r *Runner) tell() {
	ids := make(map[string]proc.ID, len(r.procs))
	for name, p := range r.procs {
		ids[name] = p.id
	}
	r.changed(ids)
}

// keep reaps a process and starts its successor, unless it has ended or a fault holds it.
func (r *Runner) keep(p *process, cmd *exec.Cmd) {
	for {
		_ = cmd.Wait() // how it ended does not matter: it should run
		r.mu.Lock()
		p.running, p.frozen = false, false
		close(p.exited)
		r.mu.Unlock()
		for cmd = nil; cmd == nil; {
			if !r.mayStart(p) {
				return
			}
			cmd, _ = r.launch(p) // one that cannot start is tried again after the pause
		}
	}
}

// mayStart waits until a dead process should be started; false when it has ended for good.
func (r *Runner) mayStart(p *process) bool {
	pause := time.NewTimer(restartPause)
	defer pause.Stop()
	rested := false
	for {
		r.mu.Lock()
		ended, held := p.ended, len(p.holds) > 0
		r.mu.Unlock()
		if ended || rested && !held {
			return !ended
		}
		select {
		case <-pause.C:
			rested = true
		case <-p.wake:
			rested = true // whoever lifts a hold wants it at once
		}
	}
}

func (p *process) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Hold keeps processes dead or frozen in the name of a fault. The signals are sent to all before any is waited for.
func (r *Runner) Hold(ctx context.Context, fault string, freeze bool, names ...string) error {
	sig := syscall.SIGKILL
	if freeze {
		sig = syscall.SIGSTOP
	}
	hit, err := r.signal(fault, sig, names)
	if err != nil {
		return err
	}
	for _, p := range hit {
		if err := r.await(ctx, p, freeze); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) signal(fault string, sig syscall.Signal, names []string) ([]*process, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var hit []*process
	var errs []error
	for _, name := range names {
		p := r.procs[name]
		if p == nil {
			continue
		}
		p.holds[fault] = true
		p.frozen = sig == syscall.SIGSTOP && p.running
		if p.running {
			errs = append(errs, p.id.Signal(sig))
			hit = append(hit, p)
		}
	}
	return hit, errors.Join(errs...)
}

func (r *Runner) await(ctx context.Context, p *process, freeze bool) error {
	if !freeze {
		select {
		case <-p.exited:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to die: %w", p.spec.Name, ctx.Err())
		}
	}
	for !p.id.Stopped() && p.id.Alive() {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to freeze: %w", p.spec.Name, ctx.Err())
		}
	}
	return nil
}

// Release takes a fault's hold away; what no other fault holds runs again. It returns the names that were held.
func (r *Runner) Release(fault string) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	var errs []error
	for name, p := range r.procs {
		if !p.holds[fault] {
			continue
		}
		names = append(names, name)
		delete(p.holds, fault)
		if len(p.holds) > 0 {
			continue
		}
		if p.running {
			errs = append(errs, p.id.Signal(syscall.SIGCONT))
			p.frozen = false
		}
		p.nudge()
	}
	sort.Strings(names)
	return names, errors.Join(errs...)
}

// Remove ends a process for good and forgets it.
func (r *Runner) Remove(name string) {
	r.mu.Lock()
	p := r.procs[name]
	if p == nil {
		r.mu.Unlock()
		return
	}
	delete(r.procs, name)
	r.end(p)
	r.tell()
	exited := p.exited
	r.mu.Unlock()
	<-exited
}

func (r *Runner) end(p *process) {
	p.ended = true
	if p.running {
		_ = p.id.Signal(syscall.SIGKILL) // a child of ours: it can only be gone already
	}
	p.nudge()
}

// Stop ends all processes and waits for them.
func (r *Runner) Stop() {
	r.mu.Lock()
	for _, p := range r.procs {
		r.end(p)
	}
	r.mu.Unlock()
	r.wg.Wait()
	close(r.spawner)
}

// View is one process at one moment.
type View struct {
	proc.ID
	State string
	Held  bool
}

// Views returns all processes by name.
func (r *Runner) Views() map[string]View {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string]View, len(r.procs))
	for name, p := range r.procs {
		out[name] = View{ID: p.id, State: p.state(), Held: len(p.holds) > 0}
	}
	return out
}

func (p *process) state() string {
	switch {
	case p.running && p.frozen:
		return Frozen
	case p.running:
		return Running
	case len(p.holds) > 0:
		return Killed
	default:
		return Starting
	}
}
