package process

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// Janitor is a process that outlives the one that started it. It reads a pipe that ends when that one does, however it
// does, and then cleans up.
type Janitor struct {
	cmd  *exec.Cmd
	pipe io.Closer
}

// StartJanitor starts it in a session of its own, so that what is sent to the terminal's processes does not reach it.
func StartJanitor(spec Spec) (*Janitor, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", spec.Name, err)
	}
	defer log.Close()
	cmd := &exec.Cmd{Path: spec.Path, Args: spec.Args, Stdout: log, Stderr: log}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	return &Janitor{cmd, pipe}, nil
}

// Dismiss tells the janitor that the cleaning is done, and waits until it is gone.
func (j *Janitor) Dismiss() {
	if j == nil {
		return // its start failed
	}
	_ = j.cmd.Process.Kill()
	_ = j.cmd.Wait()
}
