package lang

import (
	"encoding/json"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// configurePlugins evaluates the plugin blocks, which can be done before any plugin has been started.
func (m *Module) configurePlugins() {
	ev := m.l.newEvaluator(&m.draft, nil)
	s := ev.newScope(m.root, "", m.vars)
	for _, d := range m.root.ofKind("plugin") {
		p := m.l.plugins[d.literalKey()]
		if p == nil || p.decl != d {
			continue
		}
		b := s.decode(d, instance{addr: d.key})
		m.plugins = append(m.plugins, plan.Plugin{Name: d.name, Alias: d.literal, Version: p.version, Config: b.conf, Pos: b.pos()})
	}
	m.l.add(ev.diags)
}

// plainVariables are the values of the variables that may be shown.
func (ev *evaluator) plainVariables(vars map[string]cty.Value) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, name := range keys(vars) {
		v := vars[name]
		if v.ContainsMarked() || !v.IsWhollyKnown() {
			continue
		}
		if raw, err := ctyjson.Marshal(v, v.Type()); err == nil {
			out[name] = raw
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// OutputValues turns what a plugin answered for its outputs into the values that Draft takes. An output that is
// missing is left out, and Draft reports it.
func OutputValues(outputs []sdk.Attribute, raw map[string]json.RawMessage) (map[string]cty.Value, error) {
	out := map[string]cty.Value{}
	for _, o := range outputs {
		b, ok := raw[o.Name]
		if !ok {
			continue
		}
		v, err := ctyjson.Unmarshal(b, ctyType(o.Type))
		if err != nil {
			return nil, &OutputError{Name: o.Name, Err: err}
		}
		out[o.Name] = v
	}
	return out, nil
}

// OutputError is an output that does not have the type that the plugin describes.
type OutputError struct {
	Name string
	Err  error
}

func (e *OutputError) Error() string {
	return "the output " + e.Name + " does not have the type that the plugin describes: " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *OutputError) Unwrap() error { return e.Err }
