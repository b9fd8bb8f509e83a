package undo

import (
	"context"
	"sync"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// ActionUndo makes a Reverter of an action that is run once more with its undo's configuration. Nothing can be read
// back from an arbitrary action: its own success is the proof, and it is run until it succeeds once.
type ActionUndo struct {
	// Run carries the action out with Handle.Undo as its configuration and says what it did.
	Run func(context.Context, sdk.Handle) (string, error)

	mu   sync.Mutex
	said string
	done bool
}

// Revert runs the undo, once.
func (a *ActionUndo) Revert(ctx context.Context, h sdk.Handle) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done {
		return nil
	}
	said, err := a.Run(ctx, h)
	a.said, a.done = said, err == nil
	return err
}

// Inspect answers Inactive after a successful Revert, with what the action said.
func (a *ActionUndo) Inspect(context.Context, sdk.Handle) (sdk.State, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done {
		return sdk.State{Status: sdk.Inactive, Evidence: a.said}, nil
	}
	return sdk.State{Status: sdk.Unknown, Evidence: "the undo has not succeeded"}, nil
}
