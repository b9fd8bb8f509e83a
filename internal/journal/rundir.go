package journal

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// RunDir is the directory of one run: its journal, the plan as it was carried out, and what was made from them.
//
//	ROOT/20261123-123336-042-9f3c/
//	  journal           the record; all else can be made again from it
//	  plan.json         what was planned
//	  plugins/          state and logs of the plugins
//	  notes/            remarks on their way into the journal: see `gameday note`
//	  report.html ...   the reports
type RunDir struct{ Path string }

var runID = regexp.MustCompile(`^\d{8}-\d{6}-\d{3}-[0-9a-f]{4}$`)

// NewRunID makes the ID of a run that starts now. IDs sort by time, and hold only lower-case letters, digits and
// hyphens, because whatever a fault leaves in a target carries them.
func NewRunID(now time.Time) string {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	t := now.UTC()
	return fmt.Sprintf("%s-%03d-%s", t.Format("20060102-150405"), t.Nanosecond()/1e6, hex.EncodeToString(b[:]))
}

// CreateRunDir makes the directory of a new run, and root where it is missing.
func CreateRunDir(root, id string) (RunDir, error) {
	d := RunDir{Path: filepath.Join(root, id)}
	if err := makeDirs(root); err != nil {
		return d, fmt.Errorf("making the directory for runs: %w", err)
	}
	if err := os.Mkdir(d.Path, 0o700); err != nil {
		return d, fmt.Errorf("making the run's directory: %w", err)
	}
	return d, syncDir(root)
}

// makeDirs makes a directory and those above it, whose names have to survive a power failure as well.
func makeDirs(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := makeDirs(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// OpenRunDir finds a run: path is its directory, or its journal.
func OpenRunDir(path string) (RunDir, error) {
	info, err := os.Stat(path)
	if err != nil {
		return RunDir{}, fmt.Errorf("opening the run: %w", err)
	}
	if !info.IsDir() {
		path = filepath.Dir(path)
	}
	d := RunDir{Path: path}
	if _, err := os.Stat(d.Journal()); err != nil {
		return d, fmt.Errorf("opening the run: %s has no journal: %w", path, err)
	}
	return d, nil
}

// ListRuns gives the runs under root, oldest first. No root means no runs.
func ListRuns(root string) ([]RunDir, error) {
	found, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	var runs []RunDir
	for _, f := range found {
		if f.IsDir() && runID.MatchString(f.Name()) {
			runs = append(runs, RunDir{Path: filepath.Join(root, f.Name())})
		}
	}
	slices.SortFunc(runs, func(a, b RunDir) int { return cmp.Compare(a.ID(), b.ID()) })
	return runs, nil
}

// ID is the run's ID.
func (d RunDir) ID() string { return filepath.Base(d.Path) }

// Journal is the path of the journal.
func (d RunDir) Journal() string { return filepath.Join(d.Path, "journal") }

// Plan is the path of the plan, as JSON.
func (d RunDir) Plan() string { return filepath.Join(d.Path, "plan.json") }

// Plugin is the directory where a plugin keeps its state; key is the plugin's Key.
func (d RunDir) Plugin(key string) string { return filepath.Join(d.Path, "plugins", key) }

// Report is the path of a report file, such as report.html.
func (d RunDir) Report(name string) string { return filepath.Join(d.Path, name) }
