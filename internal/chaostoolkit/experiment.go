package chaostoolkit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// MainFile is the name of the file that an import writes.
const MainFile = "experiment.gameday.hcl"

// Made is a scenario that was made of an experiment.
type Made struct {
	Name        string // for its directory
	Title       string
	Source      []byte
	Warnings    []string // what the original did, and should not have
	Assumed     []string // what the original does not say
	Unsupported []string // what has no counterpart, and changes nothing about what is done
	Left        []string // what is left to do
	Needed      []string // the variables without a value, and what they are

	kinds map[string]string // the types of the probes, by name
}

const maxActivities = 500

// Import makes a scenario of an experiment in JSON or YAML. The name of the file is for citations.
func Import(file string, src []byte) (*Made, error) {
	n, err := tree.Parse(src)
	if err == nil {
		err = check(n)
	}
	var at *tree.Error
	switch {
	case errors.As(err, &at):
		return nil, fmt.Errorf("%s:%d: %w", file, at.Line, at.Err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	w := &writer{file: file, root: n, made: &Made{}, vars: map[string]variable{}}
	w.write()
	return w.made, nil
}

// check says whether it is an experiment at all.
func check(n *tree.Node) error {
	fail := func(at *tree.Node, format string, args ...any) error {
		return &tree.Error{Line: max(1, at.At()), Err: fmt.Errorf(format, args...)}
	}
	switch {
	case n.Kind != tree.Map:
		return fail(n, "this is not an experiment: it is no map with title, steady-state-hypothesis, method and rollbacks")
	case n.Has("chaoslib-version"):
		return fail(n, "this is a journal, and not an experiment; import the experiment that it was made with")
	case n.Get("title").String() == "":
		return fail(n, "the experiment has no title")
	case !n.Has("method") && !n.Has("steady-state-hypothesis"):
		return fail(n, "the experiment has neither a steady-state-hypothesis nor a method")
	}
	for _, part := range []*tree.Node{n.Get("method"), n.Get("rollbacks"), n.Get("steady-state-hypothesis", "probes")} {
		if part != nil && part.Kind != tree.List && part.Kind != tree.Null {
			return fail(part, "this has to be a list of activities")
		}
		if len(part.List()) > maxActivities {
			return fail(part, "there are %d activities, and there may be %d", len(part.List()), maxActivities)
		}
		for _, a := range part.List() {
			if a.Kind != tree.Map {
				return fail(a, "this is not an activity: it is no map with type, name and provider")
			}
		}
	}
	return nil
}

// variable is one that configuration or secrets became.
type variable struct {
	name   string
	secret bool
}

type writer struct {
	safehcl.File
	file  string
	root  *tree.Node
	made  *Made
	names safehcl.Names
	vars  map[string]variable // by the name in the original
	undos []undo

	plugins []string // whose blocks are written
}

func (w *writer) cite(n *tree.Node) string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", w.file, n.Line)
}

func (w *writer) assume(text string) string {
	if !slices.Contains(w.made.Assumed, text) {
		w.made.Assumed = append(w.made.Assumed, text)
	}
	return "assumed: " + text
}

func (w *writer) unsupported(n *tree.Node, text string) {
	w.made.Unsupported = append(w.made.Unsupported, w.cite(n)+": "+safehcl.OneLine(text))
}

func (w *writer) write() {
	w.made.Title = safehcl.OneLine(w.root.Get("title").String())
	w.made.Name = safehcl.Slug(w.made.Title, "experiment")
	w.Comment("Made by gameday import chaostoolkit. A comment at the end of a line names the line that it came from.")
	w.Comment("What the original does not say is marked \"assumed\", and what is left to do stands in todo blocks, with which nothing runs.")
	w.leaves()
	w.Gap()
	w.scenario()
	w.configuration()
	w.secrets()
	w.hypothesis()
	w.readRollbacks()
	w.method()
	w.leftRollbacks()
	w.others()
	w.made.Source = w.Bytes()
}

// leaves warns of an original that takes nothing back.
func (w *writer) leaves() {
	actions := 0
	for _, a := range w.root.Get("method").List() {
		if a.Get("type").String() == "action" || a.Has("ref") {
			actions++
		}
	}
	if actions > 0 && len(w.root.Get("rollbacks").List()) == 0 {
		text := fmt.Sprintf("%s: the original leaves its fault behind: its method has %d actions, and it has no rollbacks. gameday undoes what a fault of a plugin does by itself; for an action, write an undo block.",
			w.cite(w.root.Get("method")), actions)
		w.made.Warnings = append(w.made.Warnings, text)
		w.Comment("WARNING: " + text)
	} else if actions > 0 {
		w.Comment("The original runs its rollbacks by default only when the experiment was not aborted; here an undo always runs.")
	}
	if actions > 0 && !w.anyNative() {
		text := "its faults are actions, of which gameday cannot prove that they took effect: without a fault block every objective is inconclusive. Put faults of a plugin in their place."
		w.made.Warnings = append(w.made.Warnings, w.cite(w.root.Get("method"))+": "+text)
		w.Comment("WARNING: " + text)
	}
}

func (w *writer) scenario() {
	title, hypo := w.root.Get("title"), w.root.Get("steady-state-hypothesis", "title")
	w.Open("scenario", []string{w.made.Name}, "")
	w.Text("title", title.String(), w.cite(title))
	if hypo.String() != "" {
		w.Text("hypothesis", hypo.String(), w.cite(hypo))
	} else if d := w.root.Get("description"); d.String() != "" {
		w.Text("hypothesis", d.String(), w.cite(d))
	}
	if tags := w.root.Get("tags"); len(tags.List()) > 0 {
		var list []string
		for _, t := range tags.List() {
			list = append(list, t.String())
		}
		w.Expr("tags", safehcl.Quotes(list), w.cite(tags))
	}
	w.Gap()
	w.Text("baseline", "10s", w.assume("the steady state is watched for 10 s before, and for 60 s after at the most; the Chaos Toolkit asks once"))
	w.Text("recovery", "60s", "assumed")
	w.Close()
	if d := w.root.Get("description"); d.String() != "" && hypo.String() != "" {
		w.Comment(w.cite(d) + ": " + d.String())
	}
}

// todo says what is left to do.
func (w *writer) todo(at *tree.Node, what, remedy string) {
	w.Gap()
	w.Open("todo", []string{w.names.Of(fmt.Sprintf("line_%d", max(1, at.At())), "todo")}, w.cite(at))
	w.Text("what", what, "")
	w.Text("source", w.cite(at), "")
	w.Text("remedy", remedy, "")
	w.Close()
	w.made.Left = append(w.made.Left, w.cite(at)+": "+safehcl.OneLine(what)+". "+remedy)
}

// others names what changes nothing about what is done.
func (w *writer) others() {
	w.controls(w.root)
	for _, key := range []string{"extensions", "runtime", "contributions"} {
		n := w.root.Get(key)
		switch {
		case !w.root.Has(key):
		case key == "runtime" && n.Has("rollbacks", "strategy"):
			w.unsupported(n, fmt.Sprintf("runtime.rollbacks.strategy %q: gameday always takes back what it did", n.Get("rollbacks", "strategy").String()))
		case key == "runtime":
			w.unsupported(n, "runtime: gameday watches the steady state all the time")
		default:
			w.unsupported(n, key+" have no counterpart")
		}
	}
	if len(w.made.Unsupported) > 0 {
		w.Gap()
		w.Comment("Of these nothing was made:")
		for _, u := range w.made.Unsupported {
			w.Comment("  " + u)
		}
	}
}

func (w *writer) controls(n *tree.Node) {
	for _, c := range n.Get("controls").List() {
		p := c.Get("provider")
		w.unsupported(c, strings.TrimSpace(fmt.Sprintf("the control %q (%s) is not supported; its module knows the Chaos Toolkit only", c.Get("name").String(), p.Get("module").String())))
	}
}
