package runner

import (
	"os/exec"
	"runtime"
	"syscall"
)

// spawner starts processes that die with this one, however it dies. The kernel ties that to the thread that made them,
// so one thread makes them all and lives as long as the process.
type spawner chan spawn

type spawn struct {
	cmd *exec.Cmd
	err chan error
}

func newSpawner() spawner {
	s := make(spawner)
	go func() {
		runtime.LockOSThread()
		for one := range s {
			one.err <- one.cmd.Start()
		}
	}()
	return s
}

func (s spawner) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	one := spawn{cmd: cmd, err: make(chan error, 1)}
	s <- one
	return <-one.err
}
