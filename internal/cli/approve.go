package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gameday-toolkit/gameday/internal/approval"
	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// approveFlags are the options of approve.
type approveFlags struct {
	as, key, out string
	yes          bool
}

func (a *app) approveCmd() *cobra.Command {
	var o approveFlags
	cmd := &cobra.Command{
		Use:   "approve -as PERSON [-key KEY] PLANFILE",
		Short: "Sign that a saved plan may be carried out",
		Long: `Approve shows a plan that "gameday plan -out" saved, asks, and signs it with an SSH key: the hash of the plan, the person and
the time. The approval is written beside the plan, where "gameday run PLANFILE" finds it. It counts where a limit or an
environment names the person and the key in "approvers", for this very plan, and for as long as "approval_lifetime" says.`,
		Example: "  gameday approve -as ada@example.org az.plan\n  gameday approve -as ada@example.org -key ~/.ssh/id_ed25519_sk az.plan",
		Args:    usage(1, 1, "the saved plan"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.approve(cmd.Context(), args[0], &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.as, "as", "", "the `person` who approves, as the list of approvers has it")
	f.StringVar(&o.key, "key", "", "the private `key`, or the public half of one that the SSH agent holds (default ~/.ssh/id_ed25519)")
	f.StringVar(&o.out, "out", "", "write the approval to this `file` instead of beside the plan")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	return cmd
}

func (a *app) approve(ctx context.Context, path string, o *approveFlags) error {
	if o.as == "" {
		return hint(errors.New("who approves?"), "say it with -as PERSON, as the list of approvers has it")
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("reading the plan: %w", err)
	}
	f, err := openPlan(path)
	if err != nil {
		return err
	}
	if f == nil {
		return hint(fmt.Errorf("%s is not a saved plan", path), "make one with `gameday plan -out FILE`: what is approved must be what runs")
	}
	key, err := keyFile(o.key)
	if err != nil {
		return err
	}
	if _, err := os.Stat(key); err != nil {
		return hint(fmt.Errorf("signing: %w", err), "name your key with -key FILE: the private one, or the public half of one that the SSH agent holds")
	}
	if !o.yes {
		if !term.IsTerminal(int(a.in.Fd())) {
			return hint(errors.New("there is no terminal to ask on"), "say -yes once you have read the plan: gameday approve shows it")
		}
		view.Plan(a.out, f.Plan, a.paint)
		if err := a.confirm(ctx, "Approve this plan as "+o.as+"?"); err != nil {
			return err
		}
	}
	signed, err := approval.Approval{
		Plan: f.Hash, Scenario: f.Plan.Scenario.Name, Environment: f.Plan.Scenario.Environment, Person: o.as, At: time.Now().UTC().Truncate(time.Second),
	}.Sign(ctx, key)
	if err != nil {
		return err
	}
	if err := a.counts(ctx, f.Plan, signed); err != nil {
		return err
	}
	if o.out == "" {
		o.out = approval.FileFor(path, o.as)
	}
	if err := signed.Write(o.out); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "Approved: %s\n", o.out)
	return nil
}

// counts says at once what would otherwise be found out when the plan is to be run.
func (a *app) counts(ctx context.Context, p *plan.Plan, signed approval.Approval) error {
	var errs []error
	asked := 0
	for _, l := range p.Limits {
		if l.Approvers == "" {
			continue
		}
		asked++
		if _, err := signed.Verify(ctx, p.Hash(), l.Approvers, time.Now(), time.Duration(l.ApprovalLifetime)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.Addr, err))
		}
	}
	switch {
	case asked == 0:
		fmt.Fprintf(a.err, "gameday: %snothing asks for this plan to be signed: no limit of it names approvers\n", a.paint(yellow, "warning: "))
	case len(errs) == asked:
		return hint(errors.Join(errs...), "nothing was written; give the name and the key as the list of approvers has them (the list is part of the plan)")
	}
	return nil
}

func keyFile(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the key: %w", err)
	}
	return filepath.Join(home, ".ssh", "id_ed25519"), nil
}
