package sdk

import "context"

// Alert asks whether an alert fires, once: somebody would have been woken. How often it is asked (the block's interval), and
// when a change happened, is the core's business.
type Alert interface {
	// Schema describes the attributes of the alert's block, beyond interval, which the core adds.
	Schema() Schema
	// Poll asks once. An error says that it is not known whether the alert fires.
	Poll(context.Context, Request) (AlertState, error)
}

// AlertState is the answer to one Poll.
type AlertState struct {
	Firing bool `json:"firing"`
	// Summary is one line for people about what the alert says.
	Summary string `json:"summary,omitempty"`
}
