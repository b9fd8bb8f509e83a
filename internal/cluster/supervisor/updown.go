package supervisor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// up starts a supervisor in a session of its own and returns when its cluster is ready.
func up(ctx context.Context, config Config, args []string, out io.Writer) error {
	l := layout{config.Dir}
	if err := os.MkdirAll(l.root, 0o755); err != nil {
		return fmt.Errorf("making the directory of the cluster: %w", err)
	}
	daemon, stdout, err := spawn(l, args)
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	// Whoever interrupts this command wants no cluster either.
	stop := context.AfterFunc(ctx, func() { _ = daemon.Process.Signal(syscall.SIGTERM) })
	defer stop()
	line, _ := bufio.NewReader(stdout).ReadString('\n') // its end says that the supervisor has gone
	if strings.HasPrefix(line, "ready ") && ctx.Err() == nil {
		fmt.Fprint(out, line)
		return daemon.Process.Release()
	}
	_ = daemon.Wait() // its log says more than its exit status
	said, err := os.ReadFile(l.supervisorLog())
	if err != nil {
		return fmt.Errorf("the supervisor ended: %w", err)
	}
	return errors.New(strings.TrimPrefix(strings.TrimSpace(string(said)), "gameday-cluster: error: "))
}

func spawn(l layout, args []string) (*exec.Cmd, io.ReadCloser, error) {
	path, err := self()
	if err != nil {
		return nil, nil, err
	}
	log, err := os.OpenFile(l.supervisorLog(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	daemon := exec.Command(path, append(append([]string{"run"}, args...), "-detached")...)
	daemon.Stderr = log
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdout, err := daemon.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return daemon, stdout, daemon.Start()
}

const downTimeout = time.Minute

// down ends the cluster of a directory, if one runs there, and proves that nothing of it is left.
func down(ctx context.Context, l layout) error {
	if _, err := os.Stat(l.root); os.IsNotExist(err) {
		return nil
	}
	if err := askToEnd(ctx, l); err != nil {
		return err
	}
	if err := cleanAfterKill(l); err != nil {
		return err
	}
	if err := errors.Join(l.removeAll(), remove(l.supervisorLog())); err != nil {
		return fmt.Errorf("removing the files of the cluster: %w", err)
	}
	_ = os.Remove(l.root) // fails if there is something of someone else in it
	return awaitNothing(ctx, l)
}

// askToEnd asks the supervisor to end and waits until it is gone. Nobody there is fine.
func askToEnd(ctx context.Context, l layout) error {
	conn, err := dial(l)
	if err != nil {
		return nil
	}
	defer conn.Close()
	gone, err := peer(conn)
	if err != nil {
		return fmt.Errorf("finding the supervisor: %w", err)
	}
	defer unix.Close(gone)
	if err := json.NewEncoder(conn).Encode(request{Act: actEnd}); err != nil {
		return fmt.Errorf("asking the supervisor to end: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, downTimeout)
	defer cancel()
	err = poll(ctx, func(context.Context) error {
		// A pidfd is readable once its process has gone.
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(gone), Events: unix.POLLIN}}, 0)
		if err == nil && n == 0 {
			err = errors.New("the supervisor is still there")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("waiting for the supervisor to end: %w; its log is %s", err, l.supervisorLog())
	}
	return nil
}

// peer is a pidfd of the process at the other end, which no later process can be mistaken for.
func peer(conn net.Conn) (int, error) {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	var failure error
	err = raw.Control(func(fd uintptr) {
		credentials, failure = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(err, failure); err != nil {
		return 0, err
	}
	return unix.PidfdOpen(int(credentials.Pid), 0)
}
