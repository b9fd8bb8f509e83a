package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/replay"
	"github.com/gameday-toolkit/gameday/internal/replay/mapping"
	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	"github.com/gameday-toolkit/gameday/internal/replay/scenario"
	"github.com/gameday-toolkit/gameday/internal/replay/timeline"
	foreign "github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// importFlags are the options of replay import.
type importFlags struct {
	out, metrics string
	mappings     []string
	onto         []string
	timeline.Options
}

func (a *app) replayImportCmd() *cobra.Command {
	var o importFlags
	cmd := &cobra.Command{
		Use:   "import [-onto lab,...] [-mapping FILE]... [-metrics FILE|URL] [-out DIR] FILE...",
		Short: "Make a scenario of what was written down about an incident",
		Long: `Import reads what is known about one incident, in one file or several, and writes a scenario that repeats it: PagerDuty
(incident, log entries), Opsgenie (incident, alert, timeline, logs), incident.io (incident, updates, follow-ups) and
Statuspage incidents as the JSON of their API; a Markdown post-mortem with front matter (start, end, title, tags) and a
timeline table; CSV with time,kind,what.

A mapping says which words stand for which fault: the built-in ones, for the plugins that -onto names, or files of your
own, which come first. What it does not know becomes a todo block, with which "gameday validate" refuses to run anything.
Each line of the scenario names the line of the incident that it came from, and what was assumed says so.

Exit code: 0 when the scenario is written, 2 otherwise.`,
		Example: "  gameday replay import postmortem.md\n  gameday replay import -onto host,dns -metrics errors.csv -out db-outage incident.json log_entries.json",
		Args:    usage(1, 20, "the incident"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.importIncident(cmd.Context(), args, &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "the `directory` to make; named after the incident where it is not given")
	f.StringVar(&o.Format, "format", "", "what the files are: "+strings.Join(timeline.Formats(), ", "))
	f.StringVar(&o.ID, "id", "", "the `id` of the incident, where a file has several")
	f.StringSliceVar(&o.onto, "onto", []string{"lab"}, "the plugins whose faults repeat it: "+strings.Join(mapping.Onto(), ", "))
	f.StringArrayVar(&o.mappings, "mapping", nil, "a mapping `file` that comes before the built-in ones; may be repeated")
	f.StringVar(&o.metrics, "metrics", "", "what was measured during the incident: CSV, an answer of Prometheus to query_range, or its `URL` on this machine")
	return cmd
}

func (a *app) importIncident(ctx context.Context, paths []string, o *importFlags) error {
	var files []timeline.File
	for _, p := range paths {
		b, err := readBounded(p, foreign.ReadAll)
		if err != nil {
			return err
		}
		files = append(files, timeline.File{Name: safehcl.OneLine(filepath.Base(p)), Content: b})
	}
	in, err := timeline.Read(files, o.Options)
	if err != nil {
		return err
	}
	m, err := a.mappingOf(o)
	if err != nil {
		return err
	}
	metrics, err := readMetrics(ctx, o.metrics, scenario.Began(in, m))
	if err != nil {
		return err
	}
	made := scenario.Make(in, m, len(metrics) > 0)
	dir := o.out
	if dir == "" {
		dir = made.Name
	}
	out := map[string][]byte{scenario.MainFile: made.Source}
	if len(metrics) > 0 {
		out[scenario.MetricsFile] = metrics
	}
	if err := writeScenario(dir, out); err != nil {
		return err
	}
	view.Imported(a.out, made, in, a.paint)
	return a.next(dir, len(made.Left) > 0, "gameday replay")
}

// next says how to go on. Options that every command needs come with their names: "-var region=...: the region".
func (a *app) next(dir string, left bool, run string, needed ...string) error {
	d := shellWord(dir)
	for _, n := range needed {
		option, _, _ := strings.Cut(n, ":")
		d = option + " " + d
	}
	if left {
		_, err := fmt.Fprintf(a.out, "\nNext, once nothing is left to do in %s:\n  gameday validate %s\n", dir, d)
		return err
	}
	speed := ""
	if run == "gameday replay" {
		speed = "-speed 10 "
	}
	_, err := fmt.Fprintf(a.out, "\nNext:\n  gameday validate %[1]s\n  %[2]s plan %[3]s%[1]s\n  %[2]s run %[3]s%[1]s\n", d, run, speed)
	return err
}

// readBounded reads a file of a stranger.
func readBounded(path string, read func(io.Reader) ([]byte, error)) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the file to import: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

func (a *app) mappingOf(o *importFlags) (*mapping.Mapping, error) {
	var own []*mapping.Mapping
	for _, p := range o.mappings {
		b, err := readBounded(p, func(r io.Reader) ([]byte, error) {
			b, err := io.ReadAll(io.LimitReader(r, mapping.MaxSize+1))
			if err == nil && len(b) > mapping.MaxSize {
				err = errors.New("a mapping has a MiB at most")
			}
			return b, err
		})
		if err != nil {
			return nil, err
		}
		m, diags := mapping.Load(filepath.Base(p), b)
		if diags.HasErrors() {
			return nil, fmt.Errorf("reading the mapping: %w", diags)
		}
		own = append(own, m)
	}
	m, err := mapping.Default(o.onto, own...)
	return m, hint(err, "write -onto lab, or several: -onto host,dns")
}

// metricsTime is how long a Prometheus may take to answer.
const metricsTime = 30 * time.Second

// readMetrics reads them in any form, and gives them in one.
func readMetrics(ctx context.Context, from string, began time.Time) ([]byte, error) {
	var b []byte
	var err error
	switch {
	case from == "":
		return nil, nil
	case strings.HasPrefix(from, "http://"), strings.HasPrefix(from, "https://"):
		b, err = fetch(ctx, from)
	default:
		b, err = readBounded(from, foreign.ReadAll)
	}
	if err != nil {
		return nil, err
	}
	series, err := replay.Metrics(string(b), began)
	if err != nil {
		return nil, err
	}
	if len(series) == 0 {
		return nil, fmt.Errorf("%s: there is no series in it", from)
	}
	return replay.MetricsCSV(series), nil
}

func fetch(ctx context.Context, from string) ([]byte, error) {
	u, err := url.Parse(from)
	if err != nil {
		return nil, fmt.Errorf("reading the incident's metrics: %w", err)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, hint(fmt.Errorf("%s is not on this machine", u.Redacted()), "an import asks nobody elsewhere: fetch the range yourself, and give -metrics the file")
	}
	ctx, cancel := context.WithTimeout(ctx, metricsTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the incident's metrics: %w", err)
	}
	stay := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := stay.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reading the incident's metrics: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("reading the incident's metrics: %s answers %s", u.Redacted(), resp.Status)
	}
	return foreign.ReadAll(resp.Body)
}

// writeScenario makes a directory with a scenario, and overwrites nothing.
func writeScenario(dir string, files map[string][]byte) error {
	if have, err := filepath.Glob(filepath.Join(globQuote(dir), "*.gameday.hcl*")); err == nil && len(have) > 0 {
		return hint(fmt.Errorf("%s is there already, and nothing is overwritten", have[0]), "choose another directory with -out DIR")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the scenario's directory: %w", err)
	}
	for name, content := range files {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			_, err = f.Write(content)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return hint(fmt.Errorf("writing the scenario: %w", err), "choose another directory with -out DIR")
		}
	}
	return nil
}

// globQuote takes the meaning from what a pattern would have a meaning for.
func globQuote(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
