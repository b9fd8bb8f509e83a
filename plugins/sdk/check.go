package sdk

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/go-version"
)

// check finds the mistakes of a plugin's author that would otherwise show as riddles to its users.
func (p *Plugin) check() error {
	if p == nil {
		return errors.New("there is no plugin to serve")
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(p.Name) {
		return fmt.Errorf("plugin name %q: use lower-case letters and digits, beginning with a letter", p.Name)
	}
	if _, err := version.NewSemver(p.Version); err != nil || strings.HasPrefix(p.Version, "v") {
		return fmt.Errorf("plugin %s: version %q is not a semantic version such as 1.2.3", p.Name, p.Version)
	}
	return errors.Join(
		checkTypes(p.Name, "target", p.Targets), checkTypes(p.Name, "fault", p.Faults),
		checkTypes(p.Name, "action", p.Actions), checkTypes(p.Name, "prober", p.Probers),
		checkTypes(p.Name, "ledger", p.Ledgers), checkTypes(p.Name, "alert", p.Alerts),
		checkAlerts(p.Name, p.Alerts), checkDocuments(p.Name, p.Documents),
	)
}

// checkAlerts keeps the core's own attribute to the core.
func checkAlerts(plugin string, m map[string]Alert) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if m[name] != nil && slices.ContainsFunc(m[name].Schema().Attributes, func(a Attribute) bool { return a.Name == "interval" }) {
			errs = append(errs, fmt.Errorf("plugin %s: alert type %q must not have an attribute interval: gameday adds it", plugin, name))
		}
	}
	return errors.Join(errs...)
}

// checkDocuments wants names that can be flags.
func checkDocuments(plugin string, m map[string]Document) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !regexp.MustCompile(`^[a-z][a-z0-9]+(-[a-z0-9]+)*$`).MatchString(name) || slices.Contains([]string{"help", "var", "var-file"}, name) {
			errs = append(errs, fmt.Errorf("plugin %s: the document %q cannot be a flag: use lower-case words with dashes between", plugin, name))
		}
		if m[name].Write == nil {
			errs = append(errs, fmt.Errorf("plugin %s: the document %q has no Write", plugin, name))
		}
	}
	return errors.Join(errs...)
}

func checkTypes[T any](plugin, kind string, m map[string]T) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !strings.HasPrefix(name, plugin+"_") {
			errs = append(errs, fmt.Errorf("plugin %s: %s type %q must begin with %s_", plugin, kind, name, plugin))
		}
		if any(m[name]) == nil {
			errs = append(errs, fmt.Errorf("plugin %s: %s type %q is nil", plugin, kind, name))
		}
	}
	return errors.Join(errs...)
}
