package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/proc"
)

const (
	upTimeout   = 40 * time.Second
	readyWord   = "ready"
	maxLogQuote = 2000
)

func (c cli) up(ctx context.Context, args []string) error {
	fs, dirFlag := c.flags("up")
	settings := labdir.DefaultSettings()
	base := fs.Int("base-port", 0, fmt.Sprintf("the first of %d ports (default: 18080, or others where those are taken)", layout.Size))
	fs.DurationVar(&settings.LinkDelay, "link-delay", settings.LinkDelay, "one-way delay between the regions")
	fs.Float64Var(&settings.Capacity, "capacity", settings.Capacity, "orders a second that one instance accepts")
	fs.IntVar(&settings.Quota, "quota", settings.Quota, "instances that a region may have, 3 to 7")
	fs.DurationVar(&settings.FaultTTL, "fault-ttl", settings.FaultTTL, "how long the lab keeps a fault that nobody reverts")
	fs.DurationVar(&settings.ClientPing, "client-ping", settings.ClientPing, "how often the shop checks its connection to the store")
	dir, err := c.parse(fs, dirFlag, args, 0)
	if err != nil {
		return err
	}
	if err := check(settings, *base); err != nil {
		return err
	}
	unlock, err := dir.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	if lab, ok := running(dir); ok {
		fmt.Fprintf(c.out, "The lab is up already: http://%s:%d, DNS at %s (in %s)\n", layout.Service, lab.Port(), lab.DNS(), dir)
		return nil
	}
	if err := clear(ctx, dir); err != nil {
		return err
	}
	return c.bringUp(ctx, dir, settings, *base)
}

func check(s labdir.Settings, base int) error {
	switch {
	case s.Quota < 3 || s.Quota > 3+layout.MaxExtras:
		return fmt.Errorf("-quota %d: a region has 3 to %d instances", s.Quota, 3+layout.MaxExtras)
	case s.Capacity <= 0 || s.LinkDelay < 0 || s.FaultTTL <= 0 || s.ClientPing <= 0:
		return errors.New("-capacity, -fault-ttl and -client-ping must be above zero, -link-delay not below")
	case base != 0 && (base < 1024 || base+layout.Size > 65536):
		return fmt.Errorf("-base-port %d: must leave room for %d ports between 1024 and 65535", base, layout.Size)
	}
	return nil
}

// running says whether the supervisor of the directory's lab lives.
func running(dir labdir.Dir) (labdir.Lab, bool) {
	lab, err := dir.Load()
	if err != nil {
		return lab, false
	}
	ps, err := dir.LoadProcesses()
	return lab, err == nil && ps.Supervisor.Alive()
}

func (c cli) bringUp(ctx context.Context, dir labdir.Dir, settings labdir.Settings, base int) (err error) {
	began := time.Now()
	if name, err := dir.Foreign(); err != nil || name != "" {
		return errors.Join(err, fmt.Errorf("%s is not a lab's directory: it holds %s", dir, name))
	}
	ln, plan, err := claimPorts(ctx, base)
	if err != nil {
		return err
	}
	lab := labdir.Lab{ID: labdir.RandomID(4), Created: began, Version: c.version, Plan: plan, Settings: settings}
	if err := dir.Create(lab); err != nil {
		return errors.Join(err, ln.Close())
	}
	err = startSupervisor(ctx, dir, ln)
	if err != nil {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), downTimeout)
		defer cancel()
		return errors.Join(err, clear(cleanup, dir))
	}
	fmt.Fprintf(c.out, "The lab is up after %.1f s: http://%s:%d, DNS at %s (in %s)\n",
		time.Since(began).Seconds(), layout.Service, plan.Port(), plan.DNS(), dir)
	return nil
}

// startSupervisor starts the daemon in a session of its own and hands it the control port. It returns when the daemon
// says that it is ready, or with the reason why it is not.
func startSupervisor(ctx context.Context, dir labdir.Dir, ln *net.TCPListener) error {
	defer func() { _ = ln.Close() }()
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the lab's own program: %w", err)
	}
	logFile, err := os.OpenFile(dir.Path("logs/supervisor.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("starting the lab: %w", err)
	}
	defer func() { _ = logFile.Close() }()
	control, err := ln.File()
	if err != nil {
		return fmt.Errorf("starting the lab: %w", err)
	}
	defer func() { _ = control.Close() }()
	word, said, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("starting the lab: %w", err)
	}
	defer func() { _ = word.Close() }()
	cmd := exec.Command(exe, "role", "supervisor", "-dir", string(dir))
	cmd.Stdout, cmd.Stderr, cmd.Dir = logFile, logFile, "/"
	cmd.ExtraFiles = []*os.File{control, said}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	_ = said.Close()
	if err != nil {
		return fmt.Errorf("starting the lab: %w", err)
	}
	return awaitReady(ctx, dir, cmd, word)
}

// awaitReady ends the daemon's start one way or the other: it is ready, or it is dead when this returns.
func awaitReady(ctx context.Context, dir labdir.Dir, cmd *exec.Cmd, word *os.File) error {
	id, err := proc.Of(cmd.Process.Pid)
	if err == nil {
		err = dir.SaveProcesses(labdir.Processes{Supervisor: id})
	}
	if err != nil {
		return errors.Join(fmt.Errorf("starting the lab: %w", err), cmd.Process.Kill(), cmd.Wait())
	}
	ctx, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = word.SetReadDeadline(time.Now()) })
	defer stop()
	line, err := bufio.NewReader(word).ReadString('\n')
	if err == nil && strings.TrimSpace(line) == readyWord {
		return cmd.Process.Release()
	}
	if !errors.Is(err, io.EOF) {
		err = errors.Join(ctx.Err(), cmd.Process.Signal(syscall.SIGTERM))
	} else {
		err = nil
	}
	waited := cmd.Wait()
	return errors.Join(fmt.Errorf("the lab did not come up: %s", tail(dir.Path("logs/supervisor.log"))), err, waited)
}

func tail(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(raw) > maxLogQuote {
		raw = raw[len(raw)-maxLogQuote:]
	}
	return strings.TrimSpace(string(raw))
}

func (c cli) dial(dir labdir.Dir) (*control.Client, labdir.Lab, error) {
	client, lab, err := control.Dial(dir)
	if err != nil {
		return nil, lab, err
	}
	if _, ok := running(dir); !ok {
		return nil, lab, fmt.Errorf("%w: it has died; `gameday lab down` clears what is left", labdir.ErrNoLab)
	}
	return client, lab, nil
}
