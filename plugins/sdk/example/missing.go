package example

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// missing takes files away, as a lost volume or a bad deployment would. When every process of ours dies at once, the
// files stay where they were put aside, and the handle's steps say how to put them back.
type missing struct{}

// move is how one file is put aside. It is all that Revert needs.
type move struct {
	Path  string `json:"path"`
	Aside string `json:"aside"`
}

func (missing) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "The files are missing. If every process of gameday dies at once they stay aside, until gameday recover.",
		Attributes: []sdk.Attribute{
			{Name: "suffix", Type: sdk.String, Default: "gameday", Doc: "What the file is called meanwhile: PATH.SUFFIX-RUN."},
		},
	}
}

// Prepare only reads: it names where each file will go, and says so to people.
func (missing) Prepare(_ context.Context, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	var cfg struct {
		Suffix string `json:"suffix"`
	}
	if err := req.Decode(&cfg); err != nil {
		return sdk.Handle{}, nil, err
	}
	if strings.ContainsRune(cfg.Suffix, os.PathSeparator) {
		return sdk.Handle{}, []sdk.Problem{{
			Severity: sdk.Error, Path: []string{"suffix"},
			Summary: "The suffix has a path separator", Detail: "The file is put aside in its own directory.",
		}}, nil
	}
	var h sdk.Handle
	var moves []move
	for _, t := range req.Targets {
		m := move{Path: t.ID, Aside: t.ID + "." + cfg.Suffix + "-" + req.Run}
		moves = append(moves, m)
		h.Effects = append(h.Effects, fmt.Sprintf("rename %s to %s", m.Path, m.Aside))
		h.Steps = append(h.Steps, fmt.Sprintf("mv -n %q %q", m.Aside, m.Path))
	}
	undo, err := json.Marshal(moves)
	h.Undo = undo
	return h, nil, err
}

func (missing) Inject(ctx context.Context, h sdk.Handle) error {
	var moves []move
	if err := h.DecodeUndo(&moves); err != nil {
		return err
	}
	for _, m := range moves {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := os.Rename(m.Path, m.Aside); err != nil {
			return fmt.Errorf("putting the file aside: %w", err)
		}
	}
	return nil
}

// Inspect looks at the disk and not at what Inject remembers, because it may run in another process.
func (missing) Inspect(_ context.Context, h sdk.Handle) (sdk.State, error) {
	var moves []move
	if err := h.DecodeUndo(&moves); err != nil {
		return sdk.State{}, err
	}
	var aside []string
	for _, m := range moves {
		switch _, err := os.Lstat(m.Aside); {
		case err == nil:
			aside = append(aside, m.Aside)
		case !errors.Is(err, fs.ErrNotExist):
			return sdk.State{Status: sdk.Unknown, Evidence: err.Error()}, nil
		}
	}
	if len(aside) == 0 {
		return sdk.State{Status: sdk.Inactive, Evidence: "no file is put aside"}, nil
	}
	return sdk.State{Status: sdk.Active, Evidence: "put aside: " + strings.Join(aside, ", ")}, nil
}

// Revert puts back what is aside and leaves everything else alone, so it is right before Inject, after half of it,
// after all of it, and twice.
func (missing) Revert(_ context.Context, h sdk.Handle) error {
	var moves []move
	if err := h.DecodeUndo(&moves); err != nil {
		return err
	}
	var errs []error
	for _, m := range moves {
		// Link refuses to replace a file that somebody put there meanwhile; Rename would destroy it.
		err := os.Link(m.Aside, m.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // not aside
		case errors.Is(err, fs.ErrExist) && same(m):
		case err != nil:
			errs = append(errs, fmt.Errorf("putting the file back: %w", err))
			continue
		}
		errs = append(errs, os.Remove(m.Aside))
	}
	return errors.Join(errs...)
}

// same says whether an earlier Revert was interrupted between Link and Remove.
func same(m move) bool {
	a, errA := os.Lstat(m.Aside)
	b, errB := os.Lstat(m.Path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}
