package alert

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Env is what the alerts of one run share.
type Env struct {
	Resolver string // DNS server, "ip:port", for blocks that set none. Empty: the system's
}

// State is what a watcher saw. It is emitted at the start, on each change of Firing, and when the alert could no longer be
// read or could be read again.
type State struct {
	At     time.Duration // offset on the run's clock
	Firing bool          // as last known, where Err is set
	// Poll is the error of At: a change lies within this long before it. Zero for an alert that was received: how long it
	// was on its way is part of the detection.
	Poll    time.Duration
	Err     error
	Summary string // one line for people
}

// Watcher watches until the context ends. emit is called by one goroutine at a time.
type Watcher interface {
	Watch(ctx context.Context, base time.Time, emit func(State)) error
}

// Kind is one type of alert.
type Kind struct {
	Schema sdk.Schema
	// New makes a watcher from the block's values, by Schema. It opens no connection, and listens on none.
	New func(cfg json.RawMessage, env Env) (Watcher, error)
}

// Kinds are all types of alert, by the label of their block.
func Kinds() map[string]Kind {
	return map[string]Kind{
		"prometheus": {Schema: prometheusSchema(), New: newPrometheus},
		"webhook":    {Schema: webhookSchema(), New: newWebhook},
	}
}

// matches says whether labels have the name and all the wanted values.
func matches(labels map[string]string, name string, want map[string]string) bool {
	if name != "" && labels["alertname"] != name {
		return false
	}
	for k, v := range want {
		if labels[k] != v {
			return false
		}
	}
	return true
}

const maxSummary = 200

// summary is what an alert says of itself.
func summary(labels, annotations map[string]string) string {
	text := labels["alertname"]
	for _, key := range []string{"summary", "description", "message"} {
		if s := annotations[key]; s != "" {
			text += ": " + s
			break
		}
	}
	return clip(text)
}

func clip(s string) string {
	if len(s) > maxSummary {
		return s[:maxSummary] + "..."
	}
	return s
}
