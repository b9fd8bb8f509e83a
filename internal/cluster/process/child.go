package process

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Spec says how to start a child.
type Spec struct {
	Name string
	Path string   // the program
	Args []string // argv, its first element included
	Env  []string // in addition to the supervisor's own
	Log  string   // file that its output is appended to
}

// Child is a started process.
type Child struct {
	Spec
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // why it exited; read after exited is closed
}

// Start starts a child. Its output goes to its log; it reads nothing.
func (s *Starter) Start(spec Spec) (*Child, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", spec.Name, err)
	}
	defer log.Close() // the child has its own copy
	cmd := &exec.Cmd{Path: spec.Path, Args: spec.Args, Stdout: log, Stderr: log}
	cmd.Env = append(os.Environ(), spec.Env...)
	if err := s.start(cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	child := &Child{Spec: spec, cmd: cmd, exited: make(chan struct{})}
	go child.reap(s.exits)
	return child, nil
}

func (c *Child) reap(exits chan<- struct{}) {
	c.err = c.cmd.Wait()
	close(c.exited)
	select {
	case exits <- struct{}{}:
	default: // the last one has not been noticed yet; who notices it looks at every child
	}
}

// Pid is the process id, which nobody else can have before the child is reaped.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Exited is closed once the child is gone.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Alive says whether the child is still there; a stopped one is.
func (c *Child) Alive() bool {
	select {
	case <-c.exited:
		return false
	default:
		return true
	}
}

// Signal sends a signal to the child.
func (c *Child) Signal(signal syscall.Signal) error {
	if err := c.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("sending %v to %s: %w", signal, c.Name, err)
	}
	return nil
}

// End kills the child and waits until it is gone. SIGKILL also ends a stopped one.
func (c *Child) End() {
	_ = c.cmd.Process.Kill() // an error says that it has exited
	<-c.exited
}

// Failure describes an exit: how it ended, and the last lines it wrote.
func (c *Child) Failure() error {
	how := "exit status 0"
	if c.err != nil {
		how = c.err.Error()
	}
	return fmt.Errorf("%s ended by itself (%s); the last lines of %s:\n%s", c.Name, how, c.Log, Tail(c.Log, 12))
}
