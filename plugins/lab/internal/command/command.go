package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
)

const usage = `Usage: gameday lab COMMAND [flags]

A two-region, three-zone cloud of real processes on this machine.

  up      start a lab and wait until it serves        -dir -base-port -link-delay -capacity -quota ...
  status  say how it is                               -dir -json
  down    stop it and leave nothing behind            -dir
  faults  list the faults that it carries             -dir -json
  heal    undo a fault: heal RUN/ID, or heal -all     -dir -all
`

// The exit codes, those of gameday: 0 it worked, 1 it did not, 2 the command line was wrong.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errUsage is a mistake on the command line that has been explained already.
var errUsage = errors.New("usage")

// cli is one invocation. Answers go to out, everything else to err.
type cli struct {
	version string
	out     io.Writer
	err     io.Writer
}

// Main runs a command and returns the exit code.
func Main(version string, args []string, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := cli{version: version, out: out, err: errOut}
	err := c.run(ctx, args)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		return exitUsage
	}
	fmt.Fprintf(errOut, "gameday: error: %v\n", err)
	if hint := hintFor(err); hint != "" {
		fmt.Fprintf(errOut, "gameday: hint: %s\n", hint)
	}
	return exitFailed
}

func hintFor(err error) string {
	if errors.Is(err, labdir.ErrNoLab) {
		return "start one with: gameday lab up"
	}
	return ""
}

func (c cli) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return c.misuse("no command")
	}
	switch name, rest := args[0], args[1:]; name {
	case "up":
		return c.up(ctx, rest)
	case "status":
		return c.status(ctx, rest)
	case "down":
		return c.down(ctx, rest)
	case "faults":
		return c.faults(ctx, rest)
	case "heal":
		return c.heal(ctx, rest)
	case "role":
		return c.role(ctx, rest)
	case "help", "-h", "--help":
		fmt.Fprint(c.out, usage)
		return nil
	default:
		return c.misuse(fmt.Sprintf("no command %q", name))
	}
}

func (c cli) misuse(what string) error {
	fmt.Fprintf(c.err, "gameday: error: %s\n\n%s", what, usage)
	return errUsage
}

// flags returns a flag set with -dir, which every command has.
func (c cli) flags(name string) (*flag.FlagSet, *string) {
	fs := flag.NewFlagSet("gameday lab "+name, flag.ContinueOnError)
	fs.SetOutput(c.err)
	return fs, fs.String("dir", "", "the lab's state directory (default $GAMEDAY_LAB_DIR, or gameday/lab in the user's state directory)")
}

// parse reads the flags and finds the state directory. Only what takes arguments may have any.
func (c cli) parse(fs *flag.FlagSet, dir *string, args []string, takes int) (labdir.Dir, error) {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return "", err
		}
		return "", errUsage
	}
	if fs.NArg() > takes {
		return "", c.misuse(fmt.Sprintf("%s: too many arguments: %q", fs.Name(), fs.Args()))
	}
	if *dir != "" {
		return labdir.Absolute(*dir)
	}
	return labdir.Default()
}
