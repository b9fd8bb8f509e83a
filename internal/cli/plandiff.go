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
		d.add(where, "%s -> %s", short(a), short(b))
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

func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	if len(b) > 100 {
		return string(b[:100]) + "..."
	}
	return string(b)
}
