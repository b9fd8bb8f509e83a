package environment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// Halt keeps runs out of an environment until somebody resumes.
type Halt struct {
	Environment string    `json:"environment,omitempty"` // empty: every one
	Reason      string    `json:"reason"`
	By          string    `json:"by"`
	Since       time.Time `json:"since"`
}

// where is how messages call what is halted.
func (h Halt) where() string {
	if h.Environment == "" {
		return "every environment"
	}
	return fmt.Sprintf("the environment %q", h.Environment)
}

func (h Halt) String() string {
	if h.Since.IsZero() {
		return fmt.Sprintf("%s had a halt that could not be read", h.where())
	}
	return fmt.Sprintf("%s has been halted by %s since %s: %s", h.where(), oneLine(h.By), h.Since.Local().Format("2006-01-02 15:04:05"), oneLine(h.Reason))
}

// oneLine keeps what somebody wrote from moving the cursor of whoever reads it.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)), " ")
}

func (s State) halt(name string) string {
	dir := s.Root
	if name != "" {
		dir = s.dir(name)
	}
	return filepath.Join(dir, "halt.json")
}

// Halt returns when the halt is on disk. One that is there already is replaced.
func (s State) Halt(h Halt) error {
	b, err := json.MarshalIndent(h, "", "  ")
	path := s.halt(h.Environment)
	if err == nil {
		err = makeDirs(filepath.Dir(path))
	}
	if err == nil {
		err = writeSync(path, append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("halting %s: %w", h.where(), err)
	}
	return nil
}

// Halted finds the halt that holds in an environment: one of everything, or its own. A halt that cannot be read is an
// error and never taken for none.
func (s State) Halted(name string) (*Halt, error) {
	for _, n := range []string{"", name} {
		h, err := s.readHalt(n)
		if h != nil || err != nil {
			return h, err
		}
	}
	return nil, nil
}

// DamagedError is a halt that cannot be read.
type DamagedError struct {
	Environment string // empty: every one
	Path        string
	Err         error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the halt of %s cannot be read: %s: %v", Halt{Environment: e.Environment}.where(), e.Path, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

func (s State) readHalt(name string) (*Halt, error) {
	b, err := os.ReadFile(s.halt(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	h := &Halt{}
	if err == nil {
		err = json.Unmarshal(b, h)
	}
	if err == nil && (h.Reason == "" || h.Since.IsZero()) {
		err = errors.New("it does not say why and since when")
	}
	if err != nil {
		return nil, &DamagedError{Environment: name, Path: s.halt(name), Err: err}
	}
	h.Environment = name
	return h, nil
}

// Resume lifts the halt of an environment, or with an empty name that of every one, and returns it; nil where there was none.
// A damaged one is lifted as well.
func (s State) Resume(name string) (*Halt, error) {
	h, readErr := s.readHalt(name)
	if h == nil && readErr == nil {
		return nil, nil
	}
	path := s.halt(name)
	if err := errors.Join(os.Remove(path), syncDir(filepath.Dir(path))); err != nil {
		return nil, fmt.Errorf("resuming: %w", err)
	}
	if h == nil {
		h = &Halt{Environment: name} // nothing more is known of it
	}
	return h, nil
}
