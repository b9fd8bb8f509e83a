package action

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Env is what actions share.
type Env struct {
	// Dir is the scenario's directory, in which commands run.
	Dir string
	// Run is the run's ID, given to commands as GAMEDAY_RUN.
	Run string
	// Ask puts an instruction to a person and returns who answered, and what. Nil where there is nobody to ask.
	Ask func(ctx context.Context, title, instruction string) (by, answer string, err error)
	// Resolver is a DNS server, "ip:port", for http. Empty: the system's.
	Resolver string
}

// Said is what an action reported, and who did it where a person did.
type Said struct {
	What string
	By   string
}

// Kind is one type of action.
type Kind struct {
	Schema sdk.Schema
	// Run carries the action out. It returns when the action has ended.
	Run func(ctx context.Context, env Env, config json.RawMessage) (Said, error)
}

// Kinds are the core's types of action, by the label of their block.
func Kinds() map[string]Kind {
	return map[string]Kind{
		"exec":   {Schema: execSchema(), Run: runExec},
		"http":   {Schema: httpSchema(), Run: runHTTP},
		"manual": {Schema: manualSchema(), Run: runManual},
	}
}

// maxOutput is how much of what a command or a server says is kept.
const maxOutput = 4 << 10

// head keeps the beginning of what is written to it and swallows the rest, so that a chatty command is neither stopped
// nor remembered.
type head struct {
	b    []byte
	more bool
}

func (h *head) Write(p []byte) (int, error) {
	room := maxOutput - len(h.b)
	if room < len(p) {
		h.more = true
	}
	h.b = append(h.b, p[:min(room, len(p))]...)
	return len(p), nil
}

func (h *head) String() string {
	if h.more {
		return string(h.b) + " ..."
	}
	return string(h.b)
}

var _ io.Writer = (*head)(nil)

func decode(config json.RawMessage, into any) error {
	if err := json.Unmarshal(config, into); err != nil {
		return fmt.Errorf("reading the action's configuration: %w", err)
	}
	return nil
}
