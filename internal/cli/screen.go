package cli

import (
	"context"
	"os"

	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// screen is the view of a run.
type screen interface {
	engine.Observer
	Say(text string)
	Close()
}

// view chooses bars for a terminal and lines for everything else.
func (r *runner) view() screen {
	o := view.Options{Paint: r.paint, Quiet: r.flags.quiet, Redact: func(s string) string { return plan.Redact(s, r.plan.Secrets) }}
	if out, ok := r.out.(*os.File); ok && r.tty && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb" && !r.flags.quiet {
		return view.NewBars(out, o)
	}
	return view.NewLines(r.out, o)
}

// said answers a signal at once, so that nobody has to wonder whether it was heard.
func said(show screen, nth int) {
	text := "Aborting: everything is put back now. Ctrl-C again stops the waiting for recovery, and never a revert."
	if nth > 1 {
		text = "Not waiting for recovery any more. What has to be put back is still put back."
	}
	if nth > 2 {
		text = "Still putting everything back."
	}
	show.Say(text)
	if bars, ok := show.(*view.Bars); ok {
		bars.Hint(text)
	}
}

// asker puts manual steps to the person at the terminal, or to whoever -manual-by names, and to the live page.
func (r *runner) asker(show screen) wiring.Ask {
	if r.page != nil {
		return r.page.asker(r.terminalAsker(show), show)
	}
	return r.terminalAsker(show)
}

func (r *runner) terminalAsker(show screen) wiring.Ask {
	if !r.canType(r.flags) {
		return nil
	}
	in := &lines{in: r.in}
	by := r.flags.manualBy
	if by == "" {
		by = userName()
	}
	return func(ctx context.Context, _, title, instruction string) (string, string, error) {
		if title != "" {
			show.Say("YOUR TURN: " + title)
		}
		show.Say(instruction)
		show.Say("Press Enter when it is done, with a note if you like.")
		answer, err := in.next(ctx)
		return by, answer, err
	}
}
