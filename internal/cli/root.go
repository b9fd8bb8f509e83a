package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/engine"
)

// app is what all commands share: where they read and write, and whether that is a terminal.
type app struct {
	in       *os.File
	out, err io.Writer
	tty      bool // standard output is a terminal
	colour   bool
	signals  *signals
	engine   func(*engine.Config)   // see WithEngine; nil but in tests
	recovery func(*wiring.Recovery) // see WithRecovery; nil but in tests
}

const about = `gameday runs chaos and resilience game days: it injects the faults that a scenario describes, watches the
service the way its users would, always puts everything back, and says with evidence how long recovery
took, how much acknowledged data was lost, and what to fix next.

Start with a scenario of your own, or look at one in scenarios/:

  gameday init my-first          a working scenario to begin with
  gameday validate my-first      every mistake of every file, at once
  gameday plan my-first          what would happen, to which targets, and how it is undone
  gameday run my-first           do it, and leave a report

Whatever happens during a run, also a crash of this machine:

  gameday recover                puts back everything that has not been proven to be back`

// Main runs the command line and returns the exit code.
func Main(args []string, in, out, errOut *os.File, options ...Option) int {
	tty := term.IsTerminal(int(out.Fd()))
	a := &app{in: in, out: out, err: errOut, tty: tty, colour: tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	for _, o := range options {
		o(a)
	}
	abortOnPanic()
	a.signals = watchSignals()
	defer a.signals.close()
	root := a.root()
	root.SetArgs(normalise(root, args))
	err := root.ExecuteContext(a.signals.ctx)
	a.complain(err)
	return codeOf(err)
}

func (a *app) root() *cobra.Command {
	version := false
	root := &cobra.Command{
		Use: "gameday", Short: "Chaos and resilience game days that always put everything back", Long: about,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			err := fmt.Errorf("there is no command %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return hint(err, fmt.Sprintf("did you mean %q?", near[0]))
			}
			return hint(err, "see `gameday help`")
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return a.printVersion()
			}
			return cmd.Help()
		},
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SuggestionsMinimumDistance = 2
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hint(err, fmt.Sprintf("see `%s -help`", cmd.CommandPath()))
	})
	root.Flags().BoolVar(&version, "version", false, "print the version")
	root.PersistentFlags().BoolP("help", "h", false, "show help")
	root.AddCommand(a.initCmd(), a.fmtCmd(), a.validateCmd(), a.planCmd(), a.approveCmd(), a.runCmd(), a.replayCmd(), a.importCmd(), a.serveCmd(), a.noteCmd(), a.reportCmd(), a.checkCmd(),
		a.recoverCmd(), a.sweepCmd(), a.haltCmd(), a.resumeCmd(), a.pluginCmd(), a.labCmd(), a.versionCmd(),
		a.runsCmd(), a.showCmd(), a.diffCmd(), a.trendCmd(), a.scorecardCmd(), a.backlogCmd(), a.gateCmd(), a.archiveCmd())
	return root
}

// complain is the only place that prints errors.
func (a *app) complain(err error) {
	var code exitError
	if err == nil || errors.As(err, &code) {
		return
	}
	if errors.Is(err, context.Canceled) && a.signals.ctx.Err() != nil {
		err = errors.New("interrupted; nothing was touched")
	}
	for _, line := range strings.Split(strings.TrimSpace(err.Error()), "\n") {
		fmt.Fprintf(a.err, "gameday: %s%s\n", a.paint(red, "error: "), line)
	}
	var h hinted
	if errors.As(err, &h) {
		fmt.Fprintf(a.err, "gameday: %s%s\n", a.paint(cyan, "hint: "), h.hint)
	}
}

// The colours, as SGR codes.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	bold   = "1"
	dim    = "2"
)

func (a *app) paint(sgr, text string) string {
	if !a.colour {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// noColour turns colours off for the rest of the command.
func (a *app) noColour() { a.colour = false }

// usage counts arguments and says what is missing in the command's own words.
func usage(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return hint(fmt.Errorf("%s is missing", what), fmt.Sprintf("usage: %s", cmd.UseLine()))
		case most >= 0 && len(args) > most:
			return hint(fmt.Errorf("there are %d arguments too many: %s", len(args)-most, strings.Join(args[most:], " ")), fmt.Sprintf("usage: %s", cmd.UseLine()))
		}
		return nil
	}
}
