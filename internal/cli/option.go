package cli

import (
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/engine"
)

// Option is something about Main that no user can choose. gameday itself gives none; internal/crash reaches into a run
// with them, so that it can die at a moment of the test's choice.
type Option func(*app)

// WithEngine lets f change what a run's engine is given, right before the engine begins.
func WithEngine(f func(*engine.Config)) Option { return func(a *app) { a.engine = f } }

// WithRecovery lets f change how a run is recovered, right before that begins.
func WithRecovery(f func(*wiring.Recovery)) Option { return func(a *app) { a.recovery = f } }
