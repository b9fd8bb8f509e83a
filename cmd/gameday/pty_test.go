package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// terminal runs gameday on a terminal of its own: standard input, output and error. What it shows is in the file out.
func terminal(ts *testscript.TestScript, _ bool, args []string) {
	expect(ts, args[0], func() *exec.Cmd {
		cmd, master := onTerminal(ts, args[2:])
		_, err := io.WriteString(master, args[1]+"\n")
		ts.Check(err)
		return cmd
	})
}

func onTerminal(ts *testscript.TestScript, args []string) (*exec.Cmd, io.Writer) {
	master, slave, err := openTerminal()
	ts.Check(err)
	cmd := command(ts, "out", "err", filepath.Join(binaries, "gameday"), args...)
	out := cmd.Stdout
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(out, master) // ends with an error when the last of the terminal's users is gone
	}()
	ts.Defer(func() { _ = errors.Join(slave.Close(), master.Close()); <-done })
	return cmd, master
}

// thinking is how long a person takes over a step.
const thinking = time.Second

// person answers through a pipe.
func person(ts *testscript.TestScript, _ bool, args []string) {
	expect(ts, args[0], func() *exec.Cmd {
		cmd := command(ts, "out", "err", filepath.Join(binaries, "gameday"), args[2:]...)
		r, w, err := os.Pipe()
		ts.Check(err)
		cmd.Stdin = r
		think(ts, w, args[1])
		ts.Defer(func() { _ = errors.Join(r.Close(), w.Close()) })
		return cmd
	})
}

func seated(ts *testscript.TestScript, _ bool, args []string) {
	expect(ts, args[0], func() *exec.Cmd {
		cmd, master := onTerminal(ts, args[2:])
		_, err := io.WriteString(master, "yes\n")
		ts.Check(err)
		think(ts, master, args[1])
		return cmd
	})
}

// think types an answer some time after the question is seen in the file out.
func think(ts *testscript.TestScript, to io.Writer, text string) {
	out, ended, done := ts.MkAbs("out"), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for pause := 10 * time.Millisecond; ; {
			select {
			case <-time.After(pause):
			case <-ended:
				return
			}
			if pause == thinking {
				_, _ = io.WriteString(to, text+"\n")
				return
			}
			if b, _ := os.ReadFile(out); matched("YOUR TURN", string(b)) {
				pause = thinking
			}
		}
	}()
	ts.Defer(func() { close(ended); <-done })
}

// openTerminal makes a pair of a terminal's ends, 100 by 40.
func openTerminal() (master, slave *os.File, err error) {
	if master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	fd := int(master.Fd())
	if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 100})
	}
	if err == nil {
		slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("opening a terminal: %w", err)
	}
	return master, slave, nil
}
