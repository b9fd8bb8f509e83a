package supervisor

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const usage = `gameday-cluster: a real Kubernetes cluster on one machine, for tests

  run  -dir DIR [-nodes kwok|kubelet] [-zones N] [-nodes-per-zone N] [-port N] [-coredns] [-image NAME=BINARY]
       in the foreground, until SIGTERM, SIGINT or the end of the standard input; prints "ready KUBECONFIG"
  up   -dir DIR ...                        the same in the background; returns when the cluster is ready
  down -dir DIR                            end it, and prove that nothing is left
  stop|cont|kill|start -dir DIR COMPONENT  SIGSTOP, SIGCONT, SIGKILL a component, or start it again
  cut|join -dir DIR ZONE                   take the links of a zone's nodes down, or up (-nodes kubelet)
`

// Exit codes of the program.
const (
	exitOK     = 0
	exitFailed = 1 // the world: the message says what and what helps
	exitUsage  = 2 // the command line
)

// Main carries out one command and returns the exit code.
func Main(args []string, in io.Reader, out, errs io.Writer) int {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer cancel()
	if len(args) == 0 || strings.TrimLeft(args[0], "-") == "help" {
		fmt.Fprint(errs, usage)
		return exitUsage
	}
	err := dispatch(ctx, args[0], args[1:], in, out, errs)
	var mistaken usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		return exitUsage
	case errors.As(err, &mistaken):
		fmt.Fprintf(errs, "gameday-cluster: error: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(errs, "gameday-cluster: error: %v\n", err)
	return exitFailed
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func dispatch(ctx context.Context, command string, args []string, in io.Reader, out, errs io.Writer) error {
	switch command {
	case "run", "up":
		config, err := parseConfig(command, args, errs)
		if err != nil {
			return usageError{err}
		}
		if command == "up" {
			return up(ctx, config, args, out)
		}
		return run(ctx, config, in, out, errs)
	case "down", "janitor": // the second is the supervisor's own
		l, _, err := parseControl(command, args, 0, errs)
		if err != nil {
			return usageError{err}
		}
		if command == "janitor" {
			return janitor(l, in)
		}
		return down(ctx, l)
	case actStop, actContinue, actKill, actStart, actCut, actJoin:
		l, rest, err := parseControl(command, args, 1, errs)
		if err != nil {
			return usageError{err}
		}
		return ask(ctx, l, request{Act: command, Name: rest[0]})
	}
	return usageError{fmt.Errorf("no command %q; help lists them", command)}
}

// parseControl reads the arguments of a command to a cluster that runs.
func parseControl(command string, args []string, names int, errs io.Writer) (layout, []string, error) {
	flags := flag.NewFlagSet("gameday-cluster "+command, flag.ContinueOnError)
	flags.SetOutput(errs)
	dir := flags.String("dir", "", "directory of the cluster")
	if err := flags.Parse(args); err != nil {
		return layout{}, nil, err
	}
	if *dir == "" || flags.NArg() != names {
		return layout{}, nil, fmt.Errorf("want -dir DIR and %d names, got -dir %q and %q", names, *dir, flags.Args())
	}
	l := layout{*dir}
	absolute, err := os.Getwd()
	if err == nil && !strings.HasPrefix(*dir, "/") {
		l.root = absolute + "/" + *dir
	}
	return l, flags.Args(), err
}
