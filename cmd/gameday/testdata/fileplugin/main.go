// gameday-plugin-file is the plugin of the scripts in this directory: its world is files, so that what is left behind can be
// seen by looking at them. It misbehaves on demand.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// provider is the configured plugin.
type provider struct {
	trouble
	dir string
}

type config struct {
	Dir     string `json:"dir"`
	Token   string `json:"token"`
	PidFile string `json:"pid_file"`
}

func main() {
	t := misbehaviour()
	t.beforeServing()
	version := "0.1.0"
	if v := os.Getenv("GAMEDAY_TEST_VERSION"); v != "" {
		version = v
	}
	p := &provider{trouble: t}
	sdk.Serve(&sdk.Plugin{
		Name: "file", Version: version, Doc: "Faults of files, for gameday's own tests.",
		Config: sdk.Schema{Attributes: []sdk.Attribute{
			{Name: "dir", Type: sdk.String, Required: true, Doc: "Where the files are."},
			{Name: "token", Type: sdk.String, Sensitive: true, Doc: "A secret, to see that it stays one."},
			{Name: "pid_file", Type: sdk.String, Doc: "Where to write the plugin's process, once it holds a lease."},
		}},
		Outputs:   []sdk.Attribute{{Name: "count", Type: sdk.Number, Doc: "How many files there are."}},
		Configure: p.configure,
		Targets:   map[string]sdk.TargetType{"file_path": paths{p}},
		Faults:    map[string]sdk.Fault{"file_missing": missing{p}},
		Actions:   map[string]sdk.Action{"file_write": write{p}},
		Probers:   map[string]sdk.Prober{"file_exists": exists{p}},
		Ledgers:   map[string]sdk.Ledger{"file_records": records{p}},
		Alerts:    map[string]sdk.Alert{"file_alarm": alarm{p}},
		Documents: map[string]sdk.Document{"rights": {Doc: "What it may do.", Write: rights}},
		Sweep:     p.sweep,
	})
}

func (p *provider) configure(_ context.Context, set sdk.Settings) (map[string]any, []sdk.Problem, error) {
	p.at("configure")
	var c config
	if err := set.Decode(&c); err != nil {
		return nil, nil, err
	}
	p.dir = c.Dir
	if c.Token != "" {
		fmt.Fprintln(os.Stderr, "logging in with", c.Token) // as careless plugins do
	}
	if c.Dir == "" {
		return nil, []sdk.Problem{{Severity: sdk.Error, Path: []string{"dir"}, Summary: "There is no directory", Detail: "Set dir."}}, nil
	}
	if set.Lease > 0 && c.PidFile != "" {
		if err := os.WriteFile(c.PidFile, fmt.Appendf(nil, "%d", os.Getpid()), 0o600); err != nil {
			return nil, nil, err
		}
	}
	files, err := os.ReadDir(c.Dir)
	return map[string]any{"count": len(files)}, nil, err
}

// sweep finds what has our mark, by name.
func (p *provider) sweep(context.Context) ([]sdk.Handle, error) {
	p.at("sweep")
	found, err := filepath.Glob(filepath.Join(p.dir, "*"+mark+"*"))
	var out []sdk.Handle
	for _, aside := range found {
		path, run, _ := strings.Cut(aside, mark)
		out = append(out, handle([]move{{path, aside}}, run+"/"+filepath.Base(path), run))
	}
	return out, err
}

// paths finds files by name.
type paths struct{ *provider }

func (paths) Schema() sdk.Schema {
	return sdk.Schema{Attributes: []sdk.Attribute{{Name: "glob", Type: sdk.String, Required: true, Doc: "Pattern of file names."}}}
}

func (p paths) Resolve(_ context.Context, req sdk.Request) (sel sdk.Selection, problems []sdk.Problem, err error) {
	p.at("resolve")
	var c struct {
		Glob string `json:"glob"`
	}
	if err := req.Decode(&c); err != nil {
		return sel, nil, err
	}
	all, err := os.ReadDir(p.dir)
	for _, f := range all {
		if ok, matchErr := filepath.Match(c.Glob, f.Name()); matchErr != nil {
			return sel, []sdk.Problem{{Severity: sdk.Error, Path: []string{"glob"}, Summary: "The pattern is malformed", Detail: "See path/filepath.Match."}}, nil
		} else if ok {
			sel.Targets = append(sel.Targets, sdk.Target{Type: "file_path", ID: filepath.Join(p.dir, f.Name()), Name: f.Name()})
		}
	}
	sel.Population = len(all)
	return sel, nil, err
}

// exists asks whether a file is there.
type exists struct{ *provider }

func (exists) Schema() sdk.Schema {
	return sdk.Schema{Attributes: []sdk.Attribute{{Name: "name", Type: sdk.String, Required: true, Doc: "The file."}}}
}

func (e exists) Probe(_ context.Context, req sdk.Request) (sdk.Observation, error) {
	e.at("probe")
	var c struct {
		Name string `json:"name"`
	}
	if err := req.Decode(&c); err != nil {
		return sdk.Observation{}, err
	}
	if _, err := os.Stat(filepath.Join(e.dir, c.Name)); err != nil {
		return sdk.Observation{Class: "status", Detail: "it is not there"}, nil
	}
	return sdk.Observation{Good: true}, nil
}

// write writes a file: a step of a runbook.
type write struct{ *provider }

func (write) Schema() sdk.Schema {
	return sdk.Schema{Attributes: []sdk.Attribute{
		{Name: "name", Type: sdk.String, Required: true, Doc: "The file."},
		{Name: "text", Type: sdk.String, Required: true, Doc: "What to write."},
	}}
}

func (w write) Check(context.Context, sdk.Request) ([]sdk.Problem, error) {
	w.at("check")
	if os.Getenv("GAMEDAY_TEST_FORBIDDEN") != "" {
		return []sdk.Problem{{Severity: sdk.Error, Summary: "Writing is not allowed", Detail: "Ask an administrator.", Permission: "file:Write"}}, nil
	}
	return nil, nil
}

func (w write) Run(_ context.Context, req sdk.Request) (string, error) {
	w.at("run")
	var c struct {
		Name string `json:"name"`
		Text string `json:"text"`
	}
	if err := req.Decode(&c); err != nil {
		return "", err
	}
	return "wrote " + c.Name, os.WriteFile(filepath.Join(w.dir, c.Name), []byte(c.Text), 0o600)
}
