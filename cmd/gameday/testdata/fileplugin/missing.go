package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// missing takes files away: it renames them to NAME.gameday-RUN. While there is a file called "jam" they cannot be put
// back.
type missing struct{ *provider }

// mark is in the name of everything that a fault leaves.
const mark = ".gameday-"

// move is how one file is put aside.
type move struct {
	Path  string `json:"path"`
	Aside string `json:"aside"`
}

func (missing) Schema() sdk.Schema { return sdk.Schema{Doc: "The files are missing."} }

func (m missing) Prepare(_ context.Context, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	m.at("prepare")
	var moves []move
	for _, t := range req.Targets {
		moves = append(moves, move{t.ID, t.ID + mark + req.Run})
	}
	return handle(moves, "", ""), nil, nil
}

func handle(moves []move, id, run string) sdk.Handle {
	h := sdk.Handle{ID: id, Run: run, Plugin: "file", Fault: "file_missing"}
	for _, mv := range moves {
		h.Effects = append(h.Effects, "rename "+filepath.Base(mv.Path))
		h.Steps = append(h.Steps, fmt.Sprintf("mv %s %s", mv.Aside, mv.Path))
	}
	undo, err := json.Marshal(moves)
	if err != nil {
		panic(err)
	}
	h.Undo = undo
	return h
}

func (m missing) Inject(_ context.Context, h sdk.Handle) error {
	m.at("inject")
	moves, err := moves(h)
	for _, mv := range moves {
		err = errors.Join(err, os.Rename(mv.Path, mv.Aside))
	}
	m.at("injected")
	return err
}

func (m missing) Inspect(_ context.Context, h sdk.Handle) (sdk.State, error) {
	m.at("inspect")
	moves, err := moves(h)
	var there []string
	for _, mv := range moves {
		if _, err := os.Lstat(mv.Aside); err == nil {
			there = append(there, filepath.Base(mv.Path))
		}
	}
	if len(there) == 0 {
		return sdk.State{Status: sdk.Inactive, Evidence: "every file is in its place"}, err
	}
	return sdk.State{Status: sdk.Active, Evidence: "missing: " + strings.Join(there, ", ")}, err
}

// Revert puts back what is aside.
func (m missing) Revert(_ context.Context, h sdk.Handle) error {
	m.at("revert")
	moves, err := moves(h)
	for _, mv := range moves {
		if _, jamErr := os.Stat(filepath.Join(filepath.Dir(mv.Path), "jam")); jamErr == nil {
			return errors.New("it is jammed")
		}
		if mvErr := os.Rename(mv.Aside, mv.Path); !errors.Is(mvErr, fs.ErrNotExist) {
			err = errors.Join(err, mvErr)
		}
	}
	return err
}

func moves(h sdk.Handle) (list []move, err error) {
	err = h.DecodeUndo(&list)
	return list, err
}
