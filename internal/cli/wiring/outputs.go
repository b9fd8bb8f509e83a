package wiring

import (
	"encoding/json"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// raw are the outputs of a plugin as JSON.
func raw(got map[string]any) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	for name, v := range got {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("reading the output %s: %w", name, err)
		}
		out[name] = b
	}
	return out, nil
}

// plain are the outputs that may be written down.
func plain(outs []sdk.Attribute, got map[string]any) (map[string]json.RawMessage, error) {
	all, err := raw(got)
	for _, o := range outs {
		if o.Sensitive {
			delete(all, o.Name)
		}
	}
	return all, err
}
