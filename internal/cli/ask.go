package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// lines reads standard input a line at a time, for as long as somebody waits for it: nothing is left reading when the
// context ends, and no more is taken than the line.
type lines struct {
	mu sync.Mutex // one question at a time
	in *os.File
}

func (l *lines) next(ctx context.Context) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var line []byte
	for {
		if err := readable(ctx, int(l.in.Fd())); err != nil {
			return "", err
		}
		var b [1]byte
		n, err := l.in.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n':
			return strings.TrimRight(string(line), "\r"), nil
		case n == 1 && len(line) < 4096:
			line = append(line, b[0])
		case errors.Is(err, io.EOF) && len(line) > 0:
			return string(line), nil
		case err != nil:
			return "", fmt.Errorf("reading the answer: %w", err)
		}
	}
}

// readable waits until there is something to read. A read itself could not be ended.
func readable(ctx context.Context, fd int) error {
	for ctx.Err() == nil {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 100)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("waiting for an answer: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
	return context.Cause(ctx)
}

// canAsk says whether a person can be asked during a run.
func (a *app) canAsk(o *runFlags) bool { return o.live.addr != "" || a.canType(o) }

// canType says whether somebody may answer where this was started.
func (a *app) canType(o *runFlags) bool {
	return o.manualBy != "" || term.IsTerminal(int(a.in.Fd()))
}

// confirm asks for a yes, before anything is touched.
func (a *app) confirm(ctx context.Context, question string) error {
	if !term.IsTerminal(int(a.in.Fd())) {
		return hint(errors.New("there is no terminal to ask on whether to go ahead"), "add -yes to go ahead without a question")
	}
	fmt.Fprintf(a.out, "\n%s Only %s will do: ", question, a.paint(bold, "yes"))
	answer, err := (&lines{in: a.in}).next(ctx)
	if err != nil {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("not confirmed; nothing was touched")
	}
	return nil
}

// userName is who runs this.
func userName() string {
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
