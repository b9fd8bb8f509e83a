package wiring

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// ctyType is the language's type of what a plugin returns.
func ctyType(t sdk.Type) cty.Type {
	switch t {
	case sdk.Number:
		return cty.Number
	case sdk.Bool:
		return cty.Bool
	case sdk.StringList:
		return cty.List(cty.String)
	case sdk.NumberList:
		return cty.List(cty.Number)
	case sdk.StringMap:
		return cty.Map(cty.String)
	default: // string and duration
		return cty.String
	}
}

// values turns what Configure returned into values of the language, by the plugin's own description of its outputs.
func values(key string, outs []sdk.Attribute, got map[string]any) (map[string]cty.Value, error) {
	vals := map[string]cty.Value{}
	for _, o := range outs {
		b, err := json.Marshal(got[o.Name])
		if err != nil {
			return nil, fmt.Errorf("reading plugin.%s.%s: %w", key, o.Name, err)
		}
		v, err := ctyjson.Unmarshal(b, ctyType(o.Type))
		if err != nil {
			return nil, fmt.Errorf("plugin %s returned a value for %s that is not a %s as it describes: %w", key, o.Name, o.Type, err)
		}
		vals[o.Name] = v
	}
	return vals, nil
}

// plain are the outputs that may be written down.
func plain(outs []sdk.Attribute, got map[string]any) (map[string]json.RawMessage, error) {
	kept := map[string]json.RawMessage{}
	for _, o := range outs {
		v, there := got[o.Name]
		if o.Sensitive || !there {
			continue
		}
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("writing down the output %s: %w", o.Name, err)
		}
		kept[o.Name] = b
	}
	return kept, nil
}
