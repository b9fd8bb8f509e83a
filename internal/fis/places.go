package fis

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
)

// places are the regions and accounts that the ARNs of a template name, with the first place that names each.
type places struct{ regions, accounts map[string]value }

var arn = regexp.MustCompile(`^arn:aws[a-z-]*:[a-z0-9-]+:([a-z]{2}(?:-[a-z]+)+-[0-9]{1,2})?:([0-9]{12})?:`)

func (p places) look(v value) {
	if v.Node == nil {
		return
	}
	if m := arn.FindStringSubmatch(v.String()); m != nil {
		note(p.regions, m[1], v)
		note(p.accounts, m[2], v)
	}
	for _, k := range v.keys() {
		p.look(v.get(k))
	}
	for i, item := range v.List() {
		p.look(value{item, fmt.Sprintf("%s[%d]", v.path, i)})
	}
}

func note(places map[string]value, name string, v value) {
	if _, known := places[name]; !known && name != "" {
		places[name] = v
	}
}

// plugins configures the plugins that are used. Where they act is a variable, with the value that the template implies.
func (w *writer) plugins(used map[string]bool) {
	if used["aws"] {
		p := places{map[string]value{}, map[string]value{}}
		p.look(w.root)
		w.place("region", "the region in which the targets are", p.regions)
		w.place("account", "the only account in which something may be changed", p.accounts)
		w.Gap()
		w.Open("plugin", []string{"aws"}, "")
		w.Expr("region", "var.region", "")
		w.Expr("accounts", "[var.account]", "")
		w.Close()
	}
	if used["kubernetes"] {
		w.clusters()
		w.Gap()
		w.Open("plugin", []string{"kubernetes"}, "")
		w.Expr("context", "var.context", "")
		w.Close()
	}
}

// place writes a variable, with a default where the template names exactly one.
func (w *writer) place(name, what string, found map[string]value) {
	names := slices.Sorted(maps.Keys(found))
	w.Gap()
	w.Open("variable", []string{name}, "")
	w.Expr("type", "string", "")
	w.Text("description", what, "")
	if len(names) == 1 {
		w.Expr("default", safehcl.Quote(names[0]), found[names[0]].cite())
	}
	w.Close()
	if len(names) != 1 {
		w.made.Needed = append(w.made.Needed, need(name, what, names))
	}
}

// need says what a variable without a default is.
func need(name, what string, candidates []string) string {
	if len(candidates) > 0 {
		what += "; the template names " + strings.Join(candidates, ", ")
	}
	return "-var " + name + "=...: " + what
}

// clusters writes the variable that names the cluster. A context is a name of the user's own, so there is no default.
func (w *writer) clusters() {
	var names []string
	var at value
	targets := w.root.get("targets")
	for _, k := range targets.keys() {
		c := targets.get(k, "parameters", "clusterIdentifier")
		if c.String() != "" && targets.get(k, "resourceType").String() == "aws:eks:pod" {
			names, at = appendOnce(names, safehcl.OneLine(c.String())), c
		}
	}
	what := "the context of the kubeconfig for the cluster " + strings.Join(names, ", ")
	w.Gap()
	w.Open("variable", []string{"context"}, at.cite())
	w.Expr("type", "string", "")
	w.Text("description", what, "")
	w.Close()
	w.made.Needed = append(w.made.Needed, need("context", what, nil))
	if len(names) > 1 {
		w.warn("the pods are in several clusters: configure the plugin kubernetes once for each, with an alias, and choose it in the targets and faults.")
	}
}
