package environment

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// State is a directory that outlives runs and working directories: whoever starts a run or a recovery here, in whatever
// directory, finds the same locks and the same register.
//
//	ROOT/NAME/lock                  held while somebody is at work in the environment; its content says who
//	ROOT/NAME/unrecovered/RUN.json  a run that has not been proven to be put back
type State struct{ Root string }

// Default is gameday/environments in the user's state directory.
func Default() (State, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return State{Root: filepath.Join(dir, "gameday", "environments")}, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return State{}, fmt.Errorf("finding the state directory: %w; set XDG_STATE_HOME", err)
	}
	return State{Root: filepath.Join(home, ".local", "state", "gameday", "environments")}, nil
}

// dir is the directory of one environment, whose name may be any string.
func (s State) dir(name string) string {
	safe := url.PathEscape(name)
	if safe == "" || safe[0] == '.' {
		safe = "%" + safe // which no escaped name begins with, unless two digits follow
	}
	return filepath.Join(s.Root, safe)
}

// Known lists the environments in which somebody has been at work.
func (s State) Known() (names []string, err error) {
	dirs, err := s.dirs()
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
			continue // only halted
		}
		safe := filepath.Base(dir)
		if safe == "%" || strings.HasPrefix(safe, "%.") {
			safe = safe[1:]
		}
		if name, err := url.PathUnescape(safe); err == nil {
			names = append(names, name)
		}
	}
	return names, err
}

// dirs lists the directories of the environments that have ever been used.
func (s State) dirs() ([]string, error) {
	found, err := os.ReadDir(s.Root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state directory: %w", err)
	}
	var out []string
	for _, f := range found {
		if f.IsDir() {
			out = append(out, filepath.Join(s.Root, f.Name()))
		}
	}
	return out, nil
}
