package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// checkDescribe checks that the schemas make sense and survive JSON and the wire.
func checkDescribe(ctx context.Context, s Subject, m mode) error {
	i, err := m.start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = i.kill() }()
	info, err := i.Describe(ctx)
	if err != nil {
		return err
	}
	errs := []error{sameThroughJSON("the description", info)}
	if s.New != nil && !reflect.DeepEqual(normal(s.New().Describe()), normal(info)) {
		errs = append(errs, fmt.Errorf("the description changes on the wire:\n%+v\n%+v", s.New().Describe(), info))
	}
	errs = append(errs, checkSchema("plugin", info.Config), reachable("plugin", "plugin", info.Config))
	for kind, m := range map[string]map[string]sdk.Schema{
		"target": info.Targets, "fault": info.Faults, "action": info.Actions, "probe": info.Probers,
		"ledger": info.Ledgers, "alert": info.Alerts,
	} {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			errs = append(errs, checkSchema(kind+" "+name, m[name]), reachable(kind, kind+" "+name, m[name]))
		}
	}
	errs = append(errs, everyOne("fault", info.Faults, s.Faults, func(c Case) string { return c.Fault }),
		everyOne("ledger", info.Ledgers, s.Ledgers, func(c LedgerCase) string { return c.Ledger }),
		everyOne("alert", info.Alerts, s.Alerts, func(c AlertCase) string { return c.Alert }))
	for _, name := range slices.Sorted(maps.Keys(info.Documents)) {
		if info.Documents[name] == "" {
			errs = append(errs, fmt.Errorf("document %s: no Doc, so nobody knows what it is for", name))
		}
	}
	return errors.Join(errs...)
}

// reachable checks that no name is one that the language has for itself.
func reachable(kind, where string, s sdk.Schema) error {
	var errs []error
	names := []string{}
	for _, a := range s.Attributes {
		names = append(names, a.Name)
	}
	for _, b := range s.Blocks {
		names = append(names, b.Name)
	}
	for _, name := range names {
		if slices.Contains(sdk.CoreWords()[kind], name) {
			errs = append(errs, fmt.Errorf("%s: %q is a word of the language in a %s block, so nobody could reach it: give it another name", where, name, kind))
		}
	}
	return errors.Join(errs...)
}

// everyOne checks that nothing that the plugin offers is left out of the cases.
func everyOne[C any](kind string, offered map[string]sdk.Schema, cases []C, of func(C) string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(offered)) {
		if !slices.ContainsFunc(cases, func(c C) bool { return of(c) == name }) {
			errs = append(errs, fmt.Errorf("%s %s is in no Case of the Subject", kind, name))
		}
	}
	return errors.Join(errs...)
}

func sameThroughJSON(what string, info sdk.Info) error {
	b, err := json.Marshal(info)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	var again sdk.Info
	if err := json.Unmarshal(b, &again); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if !reflect.DeepEqual(normal(info), normal(again)) {
		return fmt.Errorf("%s changes on its way through JSON:\n%s", what, b)
	}
	return nil
}

// normal gives Go values and their JSON one form: an int default and the float64 that it becomes are the same.
func normal(info sdk.Info) any {
	b, err := json.Marshal(info)
	var v any
	if err != nil || json.Unmarshal(b, &v) != nil {
		return nil
	}
	return v
}

func checkSchema(where string, s sdk.Schema) error {
	var errs []error
	names := map[string]bool{}
	claim := func(name string) {
		if !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(name) {
			errs = append(errs, fmt.Errorf("%s: the name %q is not lower-case letters, digits and underscores", where, name))
		}
		if names[name] {
			errs = append(errs, fmt.Errorf("%s: the name %q is there twice", where, name))
		}
		names[name] = true
	}
	for _, a := range s.Attributes {
		claim(a.Name)
		errs = append(errs, checkAttribute(where+"."+a.Name, a))
	}
	for _, b := range s.Blocks {
		claim(b.Name)
		if b.Min < 0 || (b.Max > 0 && b.Min > b.Max) {
			errs = append(errs, fmt.Errorf("%s.%s: at least %d and at most %d cannot be met", where, b.Name, b.Min, b.Max))
		}
		errs = append(errs, checkSchema(where+"."+b.Name, b.Schema))
	}
	return errors.Join(errs...)
}

func checkAttribute(where string, a sdk.Attribute) error {
	var errs []error
	if !slices.Contains([]sdk.Type{sdk.String, sdk.Number, sdk.Bool, sdk.Duration, sdk.StringList, sdk.NumberList, sdk.StringMap}, a.Type) {
		errs = append(errs, fmt.Errorf("%s: the type %q is none that there is", where, a.Type))
	}
	if a.Doc == "" {
		errs = append(errs, fmt.Errorf("%s: no Doc, so its reference says nothing", where))
	}
	if a.Required && a.Default != nil {
		errs = append(errs, fmt.Errorf("%s: a required attribute has no use for a default", where))
	}
	if a.Default != nil && !fits(a.Type, a.Default) {
		errs = append(errs, fmt.Errorf("%s: the default %v is not a %s", where, a.Default, a.Type))
	}
	if len(a.OneOf) > 0 {
		if a.Type != sdk.String && a.Type != sdk.StringList {
			errs = append(errs, fmt.Errorf("%s: OneOf is for strings", where))
		}
		if d, ok := a.Default.(string); ok && !slices.Contains(a.OneOf, d) {
			errs = append(errs, fmt.Errorf("%s: the default %q is not among its OneOf", where, d))
		}
	}
	return errors.Join(errs...)
}

// fits says whether a default, as JSON delivers it, is of the type.
func fits(t sdk.Type, v any) bool {
	each := func(of sdk.Type, list []any) bool {
		return !slices.ContainsFunc(list, func(e any) bool { return !fits(of, e) })
	}
	switch v := v.(type) {
	case string:
		_, err := time.ParseDuration(v)
		return t == sdk.String || (t == sdk.Duration && err == nil)
	case float64:
		return t == sdk.Number
	case bool:
		return t == sdk.Bool
	case []any:
		return (t == sdk.StringList && each(sdk.String, v)) || (t == sdk.NumberList && each(sdk.Number, v))
	case map[string]any:
		return t == sdk.StringMap && each(sdk.String, slices.Collect(maps.Values(v)))
	}
	return false
}

// checkResolve checks that a target block finds the same things every time.
func checkResolve(ctx context.Context, s Subject, m mode, c TargetCase) error {
	i, err := s.open(ctx, m, 0)
	if err != nil {
		return err
	}
	defer func() { _ = i.kill() }()
	req := sdk.Request{ID: "target." + c.Type + ".under_test", Config: c.Config}
	first, problems, err := i.Resolve(ctx, c.Type, req)
	if err != nil {
		return err
	}
	if sdk.HasErrors(problems) {
		return fmt.Errorf("Resolve found problems with the author's own selectors: %v", problems)
	}
	second, _, err := i.Resolve(ctx, c.Type, req)
	if err != nil {
		return err
	}
	errs := []error{checkSelection(c, first)}
	if !reflect.DeepEqual(first, second) {
		errs = append(errs, fmt.Errorf("Resolve answers differently the second time:\n%+v\n%+v", first, second))
	}
	return errors.Join(errs...)
}

func checkSelection(c TargetCase, sel sdk.Selection) error {
	var errs []error
	var names []string
	seen := map[string]bool{}
	for _, t := range sel.Targets {
		names = append(names, t.Name)
		if t.ID == "" || t.Name == "" || t.Type != c.Type || seen[t.ID] {
			errs = append(errs, fmt.Errorf("the target %+v needs a name, the type %s and an ID of its own", t, c.Type))
		}
		seen[t.ID] = true
	}
	if sel.Population < len(sel.Targets) {
		errs = append(errs, fmt.Errorf("%d targets out of a population of %d", len(sel.Targets), sel.Population))
	}
	if c.Names != nil && !slices.Equal(c.Names, names) {
		errs = append(errs, fmt.Errorf("Resolve found %q, and should find %q", names, c.Names))
	}
	return errors.Join(errs...)
}
