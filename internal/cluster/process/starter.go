// Package process starts and ends children by pid, so that none of them outlives its supervisor.
package process

import (
	"os/exec"
	"runtime"
	"syscall"
)

// Starter starts every child from one OS thread that lives as long as the Starter does.
//
// The kernel sends a parent-death signal when the *thread* that forked the child ends, and the Go runtime ends
// threads as it likes. A goroutine that is locked to its thread and waits for work keeps that thread.
type Starter struct {
	requests chan request
	ended    chan struct{}
	exits    chan struct{} // holds one: that something exited, not what
}

type request struct {
	cmd    *exec.Cmd
	result chan error
}

// NewStarter begins to take requests. Close it after the last child has ended.
func NewStarter() *Starter {
	s := &Starter{requests: make(chan request), ended: make(chan struct{}), exits: make(chan struct{}, 1)}
	go s.serve()
	return s
}

// Close ends the thread, and so every child that is still there.
func (s *Starter) Close() {
	close(s.requests)
	<-s.ended
}

// Exits tells that at least one child has exited since it was last received from.
func (s *Starter) Exits() <-chan struct{} { return s.exits }

func (s *Starter) serve() {
	defer close(s.ended)
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	for r := range s.requests {
		r.result <- r.cmd.Start()
	}
}

func (s *Starter) start(cmd *exec.Cmd) error {
	// A group of its own: Ctrl-C on the terminal is for the supervisor, which ends its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	result := make(chan error)
	s.requests <- request{cmd, result}
	return <-result
}
