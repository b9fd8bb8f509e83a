package sdk

import (
	"context"
	"encoding/json"
)

// Document is a text that a plugin can write about itself or about a scenario, such as the permissions it needs:
// gameday plugin docs NAME --DOCUMENT prints it.
type Document struct {
	// Doc is one line about the document.
	Doc string
	// Write makes the text from the request alone. It is called without Configure, and reaches nothing.
	Write func(context.Context, DocumentRequest) (string, error)
}

// DocumentRequest says what a document is to be about. Sensitive values are not in
// it: an empty text stands in their place. Nor is what only a configured plugin would know.
type DocumentRequest struct {
	// Scenario is the scenario's name. Where it is empty, the document is about everything that the plugin can do.
	Scenario string `json:"scenario,omitempty"`
	// Plugins are the plugin's own blocks: one, or one for each alias.
	Plugins []DocumentPlugin `json:"plugins,omitempty"`
	// Blocks are the scenario's blocks that belong to the plugin, with the targets first.
	Blocks []DocumentBlock `json:"blocks,omitempty"`
}

// DocumentPlugin is one configuration of the plugin.
type DocumentPlugin struct {
	Alias  string          `json:"alias,omitempty"`
	Config json.RawMessage `json:"config,omitempty"`
}

// DocumentBlock is one block of a scenario.
type DocumentBlock struct {
	// Kind is target, fault, action, probe, ledger or alert; Type the block's type; ID its address.
	Kind string `json:"kind"`
	Type string `json:"type"`
	ID   string `json:"id"`
	// Alias is that of the configuration the block belongs to.
	Alias string `json:"alias,omitempty"`
	// Config holds the values of the block, by its Schema.
	Config json.RawMessage `json:"config,omitempty"`
	// Targets are the IDs of the target blocks that a fault or an action names.
	Targets []string `json:"targets,omitempty"`
}

// Decode reads the block's values into v, as Request.Decode does.
func (b DocumentBlock) Decode(v any) error { return strict("the attributes of "+b.ID, b.Config, v) }

// Decode reads the values of the plugin's own block into v, as Request.Decode does.
func (p DocumentPlugin) Decode(v any) error { return strict("the plugin's configuration", p.Config, v) }
