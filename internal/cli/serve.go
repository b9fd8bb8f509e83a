package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/live"
	"github.com/gameday-toolkit/gameday/reports"
)

func (a *app) serveCmd() *cobra.Command {
	var o liveFlags
	cmd := &cobra.Command{
		Use:   "serve [-listen HOST:PORT] RUN",
		Short: "Show the live page of a run, read only: one that goes on, or one that is over",
		Long: `Serve follows the journal of a run and shows it as a page: for a run that goes on in another terminal as it happens, and for one
that is over together with its reports. It changes nothing and needs no plugin. The page of "gameday run -live" can do more: it
acknowledges manual steps, takes notes, aborts, and knows how near the guards are.

The page listens on this machine only, unless -listen names another address and -listen-public says that others may open it. Nobody
sees anything without the link that is printed. Ctrl-C ends it.`,
		Example: "  gameday serve gameday-runs/20261123-120000-000-0000\n  gameday serve -listen 10.0.0.5:8080 -listen-public RUN",
		Args:    usage(1, 1, "the directory of a run"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.serve(cmd.Context(), args[0], &o) },
	}
	o.add(cmd.Flags(), "listen", ":8080", "serve the page")
	return cmd
}

func (a *app) serve(ctx context.Context, path string, o *liveFlags) error {
	dir, err := journal.OpenRunDir(path)
	if err != nil {
		return hint(err, "name the directory of a run, such as gameday-runs/20261123-120000-000-0000")
	}
	addr, port, err := o.listen("listen")
	if err != nil {
		return err
	}
	judge := func() (live.Verdict, error) {
		j, err := wiring.Judge(dir)
		if err != nil {
			return live.Verdict{}, err
		}
		return verdictOf(j), nil
	}
	s := &live.Server{
		Address: addr, Access: live.NewAccess(false), Room: live.NewRoom(dir.Journal(), nil, judge), Reports: contentTypes(), Dir: dir.Path,
	}
	fmt.Fprintf(a.out, "Open %s\nCtrl-C ends it.\n", live.Link(addr.URL(port), s.Access.Guest))
	return s.Serve(ctx, port)
}

// contentTypes are those of the reports, by name.
func contentTypes() map[string]string {
	out := map[string]string{}
	for _, r := range reports.Renderers() {
		switch filepath.Ext(r.Name) {
		case ".html":
			out[r.Name] = "text/html; charset=utf-8"
		case ".json", ".sarif":
			out[r.Name] = "application/json"
		default:
			out[r.Name] = "text/plain; charset=utf-8"
		}
	}
	return out
}
