package environment

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Entry is a run that has not been proven to be put back: it is registered before anything can be touched, and leaves the
// register only when its journal shows that nothing is outstanding.
type Entry struct {
	Run         string    `json:"run"`
	Dir         string    `json:"dir"` // absolute
	Scenario    string    `json:"scenario"`
	Environment string    `json:"environment"`
	User        string    `json:"user,omitempty"`
	Since       time.Time `json:"since"`
}

func (s State) unrecovered(name string) string { return filepath.Join(s.dir(name), "unrecovered") }

func (s State) entry(name, run string) string {
	return filepath.Join(s.unrecovered(name), run+".json")
}

// Register returns when the entry is on disk.
func (s State) Register(e Entry) error {
	b, err := json.MarshalIndent(e, "", "  ")
	if err == nil {
		err = makeDirs(s.unrecovered(e.Environment))
	}
	if err == nil {
		s.tidy(e.Environment)
		err = writeSync(s.entry(e.Environment, e.Run), append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("registering the run: %w", err)
	}
	return nil
}

// makeDirs makes a directory and those above it, whose names have to survive a power failure as well.
func makeDirs(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := makeDirs(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// tidy removes entries that were half written when their writer was killed. Whoever writes holds the environment's lock, so
// none of them is being written now.
func (s State) tidy(name string) {
	half, _ := filepath.Glob(filepath.Join(s.unrecovered(name), newName)) // the pattern is sound
	for _, path := range half {
		_ = os.Remove(path) // it says nothing, wherever it stays
	}
}

// newName is what an entry is called while it is being written.
const newName = ".new-*"

// writeSync writes a file whole or not at all, and has it on disk.
func writeSync(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), newName)
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Unregister takes a run off the register. One that is not on it is no error.
func (s State) Unregister(name, run string) error {
	err := os.Remove(s.entry(name, run))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("taking the run off the register: %w", err)
	}
	return nil
}

// Unrecovered lists the runs of one environment that have not been put back, oldest first.
func (s State) Unrecovered(name string) ([]Entry, error) { return list(s.dir(name)) }

// All lists the unrecovered runs of every environment, oldest first.
func (s State) All() ([]Entry, error) {
	dirs, err := s.dirs()
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, dir := range dirs {
		found, err := list(dir)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return a.Since.Compare(b.Since) })
	return out, nil
}

func list(dir string) ([]Entry, error) {
	dir = filepath.Join(dir, "unrecovered")
	found, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading the register of unrecovered runs: %w", err)
	}
	var out []Entry
	for _, f := range found {
		if !strings.HasSuffix(f.Name(), ".json") {
			continue // an entry that is being written
		}
		e, err := read(filepath.Join(dir, f.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue // taken off meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Run, b.Run)) })
	return out, nil
}

func read(path string) (e Entry, err error) {
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		return e, fmt.Errorf("reading the register of unrecovered runs (%s): %w", path, err)
	}
	return e, nil
}
