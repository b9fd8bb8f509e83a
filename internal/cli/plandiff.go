package cli

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// maxChanges is how many differences are listed; nobody reads more.
const maxChanges = 30

// changes says, line by line, what is different between two plans.
func changes(old, now *plan.Plan) []string {
	var d differ
	d.compare("", tree(old), tree(now))
	if len(d.out) > maxChanges {
		return append(d.out[:maxChanges:maxChanges], fmt.Sprintf("and %d more", len(d.out)-maxChanges))
	}
	return d.out
}

func tree(p *plan.Plan) (v any) {
	b, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		panic("cli: a plan is plain data: " + err.Error())
	}
	return v
}

type differ struct{ out []string }

func (d *differ) add(where, format string, args ...any) {
	d.out = append(d.out, where+": "+fmt.Sprintf(format, args...))
}

func (d *differ) compare(where string, a, b any) {
	if reflect.DeepEqual(a, b) {
		return
	}
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			d.objects(where, x, y)
			return
		}
	case []any:
		if y, ok := b.([]any); ok {
			d.objects(where, named(x), named(y))
			return
		}
	}
	switch {
	case a == nil:
		d.add(where, "added: %s", short(b))
	case b == nil:
		d.add(where, "gone, was %s", short(a))
	default:
		was, is := shortPair(a, b)
		d.add(where, "%s -> %s", was, is)
	}
}

func (d *differ) objects(where string, a, b map[string]any) {
	keys := sortedKeys(a)
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		d.compare(join(where, k), a[k], b[k])
	}
}

// named gives the items of a list their own names, where they have such, so that one more at the front is one change.
func named(list []any) map[string]any {
	out := map[string]any{}
	for i, v := range list {
		name := strconv.Itoa(i)
		if m, ok := v.(map[string]any); ok {
			for _, key := range []string{"addr", "id", "name"} {
				if s, ok := m[key].(string); ok && s != "" {
					name = s
					break
				}
			}
		}
		if _, taken := out[name]; taken {
			name += "#" + strconv.Itoa(i)
		}
		out[name] = v
	}
	return out
}

// join leaves out the names of the lists of blocks: fault.T.N says enough.
func join(where, key string) string {
	switch where {
	case "":
		return key
	case "targets", "probes", "slos", "ledgers", "alerts", "faults", "actions", "objectives", "guards", "limits":
		return key
	}
	return where + " " + key
}

// valueLetters is how many letters of a value are printed; of two that differ later, sameLetters of them are the same.
const valueLetters, sameLetters = 100, 30

func short(v any) string { return cut(text(v), 0) }

// shortPair cuts two values around their first difference, so that it is seen.
func shortPair(a, b any) (was, is string) {
	x, y := text(a), text(b)
	same := 0
	for same < min(len(x), len(y)) && x[same] == y[same] {
		same++
	}
	if max(len(x), len(y)) <= valueLetters {
		same = 0 // they fit as they are
	}
	from := max(0, same-sameLetters)
	return cut(x, from), cut(y, from)
}

func text(v any) []rune {
	b, err := json.Marshal(v)
	if err != nil {
		return []rune("?")
	}
	return []rune(string(b))
}

func cut(text []rune, from int) string {
	head, tail := "", ""
	if from > 0 {
		head = "..."
	}
	to := from + valueLetters
	if to < len(text) {
		tail = "..."
	}
	return head + string(text[from:min(to, len(text))]) + tail
}
