package mapping

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/internal/replay/timeline"
)

//go:embed defaults/*.hcl
var defaults embed.FS

// MaxSize is how large a mapping file may be.
const MaxSize = 1 << 20

// Mapping is one mapping file, or several of which the first that has something to say counts.
type Mapping struct {
	Watch     string   `hcl:"watch,optional"`     // HCL that stands in every scenario: plugins, probes, SLOs, guards
	SLO       string   `hcl:"slo,optional"`       // that is good again when the incident is over
	Mitigated string   `hcl:"mitigated,optional"` // that is good again when users are served, if not in full
	Alert     string   `hcl:"alert,optional"`     // that tells of the incident
	Ledger    string   `hcl:"ledger,optional"`    // of what must not be lost
	Use       []string `hcl:"use,optional"`       // plugins to declare, where watch does not
	Kinds     []Kind   `hcl:"kind,block"`
	Rules     []Rule   `hcl:"rule,block"`
}

// Kind says which words make a line one of a kind.
type Kind struct {
	Name  string   `hcl:"name,label"`
	Words []string `hcl:"words"`
	words []matcher
}

// Rule says what a line with any of the words stands for.
type Rule struct {
	Name   string    `hcl:"name,label"`
	Words  []string  `hcl:"words"`
	Fault  string    `hcl:"fault,optional"`
	Action string    `hcl:"action,optional"`
	Todo   string    `hcl:"todo,optional"` // instead of either: why there is none, and what would do
	Target string    `hcl:"target,optional"`
	Set    cty.Value `hcl:"set,optional"`  // arguments of the fault or the action
	Undo   cty.Value `hcl:"undo,optional"` // arguments of the action's undo
	Keep   bool      `hcl:"keep,optional"` // a replay must not compress its times
	Find   []Find    `hcl:"find,block"`
	File   string    // of the mapping
	words  []matcher
}

// Find looks for the value of an argument in the line.
type Find struct {
	Argument  string    `hcl:"argument,label"`
	In        string    `hcl:"in"`                 // target, fault or action
	Pattern   string    `hcl:"pattern,optional"`   // RE2; its first group, or all of it
	As        string    `hcl:"as,optional"`        // what a match stands for, where that is not itself
	Number    bool      `hcl:"number,optional"`    // what is found is a number
	Otherwise cty.Value `hcl:"otherwise,optional"` // where it is not found; the argument is left out without it
	Ask       string    `hcl:"ask,optional"`       // where it is not found: the description of a variable that has to be set
	pattern   *regexp.Regexp
}

// Onto are the names of the embedded mappings.
func Onto() []string { return []string{"lab", "host", "dns", "proxy"} }

// Default is the embedded mapping onto some plugins, in this order, with own ones before them.
func Default(onto []string, own ...*Mapping) (*Mapping, error) {
	m := &Mapping{}
	for _, o := range own {
		m.under(o)
	}
	files := append(slices.Clone(onto), "service", "kinds")
	for i, name := range files {
		if i < len(onto) && !slices.Contains(Onto(), name) {
			return nil, fmt.Errorf("there is no mapping onto %q; there are %s", name, strings.Join(Onto(), ", "))
		}
		src, err := defaults.ReadFile("defaults/" + name + ".hcl")
		if err != nil {
			return nil, fmt.Errorf("reading the built-in mapping: %w", err)
		}
		next, diags := Load(name+".hcl (built in)", src)
		if diags.HasErrors() {
			return nil, fmt.Errorf("reading the built-in mapping: %w", diags)
		}
		m.under(next)
	}
	return m, nil
}

// under puts another mapping below this one: it has its say where this one has none.
func (m *Mapping) under(o *Mapping) {
	if m.Watch == "" && o.Watch != "" {
		m.Watch, m.SLO, m.Mitigated, m.Alert, m.Ledger = o.Watch, o.SLO, o.Mitigated, o.Alert, o.Ledger
	}
	for _, p := range o.Use {
		if !slices.Contains(m.Use, p) {
			m.Use = append(m.Use, p)
		}
	}
	m.Kinds, m.Rules = append(m.Kinds, o.Kinds...), append(m.Rules, o.Rules...)
}

// Load reads a mapping file.
func Load(name string, src []byte) (*Mapping, hcl.Diagnostics) {
	f, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	m := &Mapping{}
	if diags := gohcl.DecodeBody(f.Body, nil, m); diags.HasErrors() {
		return nil, diags
	}
	return m, m.compile(name, &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos})
}

func (m *Mapping) compile(name string, at *hcl.Range) (diags hcl.Diagnostics) {
	fail := func(format string, args ...any) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: fmt.Sprintf(format, args...), Detail: "See docs/replay.md for the form of a mapping.", Subject: at})
	}
	for i := range m.Kinds {
		k := &m.Kinds[i]
		if !slices.Contains(timeline.Kinds(), timeline.Kind(k.Name)) {
			fail("There is no kind %q", k.Name)
		}
		k.words = matchers(k.Words)
	}
	for i := range m.Rules {
		r := &m.Rules[i]
		r.File, r.words = name, matchers(r.Words)
		if n := count(r.Fault, r.Action, r.Todo); n != 1 {
			fail("The rule %q needs one of fault, action and todo", r.Name)
		}
		for _, id := range []string{r.Fault, r.Action, r.Target} {
			if id != "" && !hclsyntax.ValidIdentifier(id) {
				fail("%q in the rule %q is not a name", id, r.Name)
			}
		}
		for j := range r.Find {
			find := &r.Find[j]
			var err error
			if find.pattern, err = regexp.Compile(find.Pattern); err != nil {
				fail("The pattern of %s in the rule %q is no regular expression: %v", find.Argument, r.Name, err)
			}
			if !slices.Contains([]string{"target", "fault", "action"}, find.In) || !hclsyntax.ValidIdentifier(find.Argument) {
				fail("%s in the rule %q has to be in = \"target\", \"fault\" or \"action\"", find.Argument, r.Name)
			}
		}
	}
	return diags
}

func count(texts ...string) (n int) {
	for _, s := range texts {
		if s != "" {
			n++
		}
	}
	return n
}
