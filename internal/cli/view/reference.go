package view

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/lang"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Reference prints what a plugin offers, as Markdown.
func Reference(w io.Writer, info sdk.Info) {
	fmt.Fprintf(w, "# Plugin %s %s\n\n%s\n", info.Name, info.Version, clean(info.Doc))
	block(w, fmt.Sprintf("plugin %q", info.Name), info.Config)
	if len(info.Outputs) > 0 {
		fmt.Fprintf(w, "\nIts outputs:\n\n")
		for _, o := range info.Outputs {
			fmt.Fprintf(w, "- `plugin.%s.%s` (%s): %s\n", info.Name, o.Name, o.Type, clean(o.Doc))
		}
	}
	blocks(w, "target", info.Targets)
	blocks(w, "fault", info.Faults)
	blocks(w, "action", info.Actions)
	blocks(w, "probe", info.Probers)
	blocks(w, "ledger", info.Ledgers)
	blocks(w, "alert", info.Alerts)
	documents(w, info)
}

// documents lists what else the plugin can print.
func documents(w io.Writer, info sdk.Info) {
	if len(info.Documents) == 0 {
		return
	}
	fmt.Fprintf(w, "\n## Its documents\n\n")
	for _, name := range slices.Sorted(maps.Keys(info.Documents)) {
		fmt.Fprintf(w, "- `gameday plugin docs %s --%s`: %s\n", info.Name, name, clean(info.Documents[name]))
	}
}

// Types prints the core's own types of blocks, as Markdown.
func Types(w io.Writer, c lang.Catalog) {
	fmt.Fprintf(w, "# The core's own types\n\nWhat a block of these types takes beyond what [every block of its kind](language.md) does.\n")
	blocks(w, "probe", c.Probes)
	blocks(w, "ledger", c.Ledgers)
	blocks(w, "alert", c.Alerts)
	blocks(w, "action", c.Actions)
	blocks(w, "notify", c.Notifies)
}

func blocks(w io.Writer, kind string, types map[string]sdk.Schema) {
	for _, name := range slices.Sorted(maps.Keys(types)) {
		block(w, fmt.Sprintf("%s %q \"NAME\"", kind, name), types[name])
	}
}

func block(w io.Writer, header string, s sdk.Schema) {
	fmt.Fprintf(w, "\n## `%s`\n\n", header)
	if s.Doc != "" {
		fmt.Fprintf(w, "%s\n\n", clean(s.Doc))
	}
	schema(w, "", s)
}

func schema(w io.Writer, indent string, s sdk.Schema) {
	for _, a := range s.Attributes {
		fmt.Fprintf(w, "%s- `%s` (%s): %s\n", indent, a.Name, strings.Join(facts(a), ", "), clean(a.Doc))
	}
	for _, b := range s.Blocks {
		fmt.Fprintf(w, "%s- block `%s` (%s): %s\n", indent, b.Name, times(b), clean(b.Schema.Doc))
		schema(w, indent+"  ", b.Schema)
	}
	if indent == "" && len(s.Attributes)+len(s.Blocks) == 0 {
		fmt.Fprintln(w, "It has no attributes of its own.")
	}
}

func facts(a sdk.Attribute) []string {
	out := []string{string(a.Type)}
	if a.Required {
		out = append(out, "required")
	}
	if a.Sensitive {
		out = append(out, "sensitive")
	}
	if a.Default != nil {
		out = append(out, fmt.Sprintf("default `%v`", a.Default))
	}
	if len(a.OneOf) > 0 {
		out = append(out, "one of `"+strings.Join(a.OneOf, "`, `")+"`")
	}
	return out
}

func times(b sdk.Block) string {
	switch {
	case b.Min > 0 && b.Max == 1:
		return "required"
	case b.Max == 1:
		return "at most once"
	case b.Min > 0:
		return fmt.Sprintf("at least %d", b.Min)
	}
	return "any number"
}
