package fis

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// MainFile is the name of the file that an import writes.
const MainFile = "experiment.gameday.hcl"

// Made is a scenario that was made of a template.
type Made struct {
	Name        string // for its directory
	Title       string
	Source      []byte
	Warnings    []string // what somebody has to know before a run
	Assumed     []string // what the template does not say, and what is not the same here
	Unsupported []string // what has no counterpart, and changes nothing about what is done
	Left        []string // what is left to do
	Needed      []string // the variables without a value, and what they are
	ID          string   // of the template; empty where it has none yet
}

// Options say how to import.
type Options struct {
	// Whole makes one fault that starts the template itself, instead of one for each action.
	Whole bool
}

// FIS allows a template far fewer of each.
const maxEntries = 500

// Import makes a scenario of a template in JSON or YAML: what aws fis get-experiment-template prints, or what
// create-experiment-template takes. The name of the file is for mistakes.
func Import(file string, src []byte, o Options) (*Made, error) {
	n, err := tree.Parse(src)
	var w *writer
	if err == nil {
		w, err = read(n, o)
	}
	var at *tree.Error
	switch {
	case errors.As(err, &at):
		return nil, fmt.Errorf("%s:%d: %w", file, at.Line, at.Err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	w.write()
	return w.made, nil
}

// value is a part of the template and its path.
type value struct {
	*tree.Node
	path string
}

func (v value) get(keys ...string) value {
	for _, k := range keys {
		v.Node = v.Node.Get(k)
		v.path = strings.TrimPrefix(v.path+"."+k, ".")
	}
	return v
}

// cite names the place, for the comment at the end of a line.
func (v value) cite() string {
	if v.Node == nil {
		return ""
	}
	return fmt.Sprintf("%s (line %d)", v.path, v.Line)
}

// keys are the fields of a map. Of one that is there twice the last counts, as everywhere.
func (v value) keys() (keys []string) {
	if v.Node == nil || v.Kind != tree.Map {
		return nil
	}
	seen := map[string]bool{}
	for _, k := range v.Keys {
		if !seen[k] {
			keys = append(keys, k)
		}
		seen[k] = true
	}
	return keys
}

// texts are the plain values of a list, or the one that stands there alone.
func (v value) texts() (out []string) {
	for _, n := range append([]*tree.Node{v.Node}, v.List()...) {
		if s := n.String(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (v value) wrong(format string, args ...any) error {
	return &tree.Error{Line: max(1, v.At()), Err: fmt.Errorf(format, args...)}
}

// read checks that it is a template at all, and that its parts fit each other.
func read(n *tree.Node, o Options) (*writer, error) {
	root := value{Node: n}
	if n.Kind == tree.Map && n.Has("experimentTemplate") {
		root = value{Node: n.Get("experimentTemplate")} // paths begin within it
	}
	if err := isTemplate(root); err != nil {
		return nil, err
	}
	w := &writer{root: root, whole: o.Whole, made: &Made{ID: templateID(root)}, targets: map[string]target{}}
	if o.Whole && w.made.ID == "" {
		return nil, errors.New("the template has no id, so there is nothing to start yet: create it with aws fis create-experiment-template, and import what aws fis get-experiment-template prints")
	}
	return w, w.readActions()
}

func isTemplate(root value) error {
	switch {
	case root.Kind != tree.Map:
		return root.wrong("this is not an experiment template: it is no map with actions, targets and stopConditions")
	case root.Has("experimentTemplates"):
		return root.wrong("this is a list of templates; import one: aws fis get-experiment-template --id ID")
	case root.Has("experiment"), root.Has("experimentTemplateId"):
		return root.wrong("this is an experiment that ran, or is to be started; import its template: aws fis get-experiment-template --id ID")
	case !root.Has("actions"):
		return root.wrong("this is not an experiment template: it has no actions")
	}
	for _, part := range []string{"actions", "targets"} {
		v := root.get(part)
		if v.Node != nil && v.Kind != tree.Map && v.Kind != tree.Null {
			return v.wrong("%s has to be a map", part)
		}
		if len(v.keys()) > maxEntries {
			return v.wrong("there are %d %s, and there may be %d", len(v.keys()), part, maxEntries)
		}
		for _, k := range v.keys() {
			if e := v.get(k); e.Kind != tree.Map {
				return e.wrong("%s has to be a map", e.path)
			}
		}
	}
	stops := root.get("stopConditions")
	if stops.Node != nil && stops.Kind != tree.List && stops.Kind != tree.Null {
		return stops.wrong("stopConditions has to be a list")
	}
	if len(stops.List()) > maxEntries {
		return stops.wrong("there are %d stopConditions, and there may be %d", len(stops.List()), maxEntries)
	}
	return nil
}

var plainID = regexp.MustCompile(`^EXT[0-9A-Za-z]{1,64}$`)

func templateID(root value) string {
	if id := root.get("id").String(); plainID.MatchString(id) {
		return id
	}
	return ""
}

// writer makes the file.
type writer struct {
	safehcl.File
	root    value
	whole   bool
	made    *Made
	names   safehcl.Names
	actions []*action
	targets map[string]target // what became of each target, by its name in the template
	zones   []string          // of each fault that was made: where its target is confined to
}

func (w *writer) assume(text string) string {
	w.made.Assumed = appendOnce(w.made.Assumed, text)
	return "assumed: " + text
}

func (w *writer) warn(text string) {
	w.made.Warnings = appendOnce(w.made.Warnings, safehcl.OneLine(text))
}

func (w *writer) unsupported(v value, text string) {
	w.made.Unsupported = append(w.made.Unsupported, v.cite()+": "+safehcl.OneLine(text))
}

func appendOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// todo says what is left to do.
func (w *writer) todo(v value, name, what, remedy string) {
	w.Gap()
	w.Open("todo", []string{w.names.Of(name, "todo")}, v.cite())
	w.Text("what", what, "")
	w.Text("source", v.cite(), "")
	w.Text("remedy", remedy, "")
	w.Close()
	w.made.Left = append(w.made.Left, v.cite()+": "+safehcl.OneLine(what)+". "+remedy)
}
