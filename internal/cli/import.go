package cli

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/chaostoolkit"
	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	foreign "github.com/gameday-toolkit/gameday/internal/replay/tree"
)

func (a *app) importCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "import", Short: "Bring experiments of other tools along",
		Long: "Import makes a scenario of an experiment of another tool. For incidents see \"gameday replay import\".",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return hint(fmt.Errorf("there is no command %q", "import "+args[0]), "there are import chaostoolkit and import fis")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.importChaosToolkitCmd(), a.importFISCmd(), a.toleranceCmd())
	return cmd
}

func (a *app) importChaosToolkitCmd() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "chaostoolkit [-out DIR] FILE",
		Short: "Make a scenario of an experiment of the Chaos Toolkit, in JSON or YAML",
		Long: `Chaostoolkit reads an experiment of the Chaos Toolkit and writes a scenario: the steady-state hypothesis becomes probes, SLOs
and objectives, the method actions and probes, rollbacks their undo, configuration and secrets variables. The providers
http and process run natively. What only Python knows becomes a todo block that names what it would be, with which
"gameday validate" refuses to run anything; controls are named and left out.

It warns where the original would have left its fault behind.

Exit code: 0 when the scenario is written, 2 otherwise.`,
		Example: "  gameday import chaostoolkit experiment.json && gameday validate my-experiment",
		Args:    usage(1, 1, "the experiment"),
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := readBounded(args[0], foreign.ReadAll)
			if err != nil {
				return err
			}
			made, err := chaostoolkit.Import(safehcl.OneLine(filepath.Base(args[0])), b)
			if err != nil {
				return err
			}
			dir := out
			if dir == "" {
				dir = made.Name
			}
			if err := writeScenario(dir, map[string][]byte{chaostoolkit.MainFile: made.Source}); err != nil {
				return err
			}
			view.Experiment{Title: made.Title, Warnings: made.Warnings, Assumed: made.Assumed, LeftOut: made.Unsupported, ToDo: made.Left, Needed: made.Needed}.Print(a.out, a.paint)
			return a.next(dir, len(made.Left) > 0, "gameday", made.Needed...)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the `directory` to make; named after the experiment where it is not given")
	return cmd
}

// toleranceCmd judges what an imported probe cannot express. It is for probes, and not listed.
func (a *app) toleranceCmd() *cobra.Command {
	return &cobra.Command{
		Use:    "tolerance TOLERANCE http METHOD URL | TOLERANCE exec COMMAND...",
		Short:  "Ask once, and judge the answer by a tolerance of the Chaos Toolkit",
		Hidden: true,
		// The command that is run may have options that look like ours.
		DisableFlagParsing: true,
		Args:               usage(3, -1, "the tolerance, http or exec, and what to ask"),
		RunE: func(cmd *cobra.Command, args []string) error {
			answer, err := ask(cmd.Context(), args[1], args[2:])
			if err == nil {
				err = chaostoolkit.Judge(args[0], answer)
			}
			if err != nil {
				fmt.Fprintln(a.err, err)
				return exitError{ExitFailed}
			}
			return nil
		},
	}
}

func ask(ctx context.Context, kind string, args []string) (chaostoolkit.Answer, error) {
	switch {
	case kind == "http" && len(args) == 2:
		return chaostoolkit.Ask(ctx, args[0], args[1])
	case kind != "exec":
		return chaostoolkit.Answer{}, fmt.Errorf("%q is neither http with METHOD and URL nor exec with a command", kind)
	}
	var out, errOut strings.Builder
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdout, c.Stderr, c.WaitDelay = &capped{b: &out}, &capped{b: &errOut}, time.Second
	err := c.Run()
	if c.ProcessState == nil {
		return chaostoolkit.Answer{}, fmt.Errorf("running the command: %w", err)
	}
	return chaostoolkit.Answer{Status: c.ProcessState.ExitCode(), Parts: map[string]string{"stdout": out.String(), "stderr": errOut.String()}}, nil
}

// capped keeps the beginning of what a command prints.
type capped struct{ b *strings.Builder }

func (c *capped) Write(p []byte) (int, error) {
	const most = 1 << 20
	c.b.Write(p[:min(len(p), max(0, most-c.b.Len()))])
	return len(p), nil
}
