package change

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Step leads from a value to one inside it: to the member of a map by its name, or to the element of a list that has these
// values.
type Step struct {
	Name    string            `json:"name,omitempty"`
	Element map[string]string `json:"element,omitempty"`
}

// Path leads from an object to a field of it.
type Path []Step

// At is the path through these members of maps.
func At(names ...string) (out Path) {
	for _, n := range names {
		out = append(out, Step{Name: n})
	}
	return out
}

// Of goes on to the element of a list.
func (p Path) Of(element map[string]string) Path {
	return append(slices.Clone(p), Step{Element: element})
}

// To goes on to a member of a map.
func (p Path) To(names ...string) Path { return append(slices.Clone(p), At(names...)...) }

func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.Element != nil:
			var is []string
			for _, k := range slices.Sorted(maps.Keys(s.Element)) {
				is = append(is, k+"="+s.Element[k])
			}
			fmt.Fprintf(&b, "[%s]", strings.Join(is, ","))
		case i > 0:
			b.WriteString("." + s.Name)
		default:
			b.WriteString(s.Name)
		}
	}
	return b.String()
}

// get finds the value at the path, and says how much of the path there is.
func (p Path) get(v any) (out any, depth int) {
	for i, s := range p {
		next, ok := s.in(v)
		if !ok {
			return nil, i
		}
		v = next
	}
	return v, len(p)
}

func (s Step) in(v any) (any, bool) {
	if s.Element == nil {
		m, _ := v.(map[string]any)
		out, ok := m[s.Name]
		return out, ok
	}
	list, _ := v.([]any)
	i := slices.IndexFunc(list, s.matches)
	if i < 0 {
		return nil, false
	}
	return list[i], true
}

func (s Step) matches(v any) bool {
	m, ok := v.(map[string]any)
	for k, want := range s.Element {
		ok = ok && m[k] == any(want)
	}
	return ok
}

// put returns v with the value at the path, or with none if value is nil. Of what has to be made on the way, prune is how much
// may be taken away again once it is empty.
func (p Path) put(v, value any, prune int) (any, error) {
	if len(p) == 0 {
		return value, nil
	}
	inner, there := p[0].in(v)
	if !there && value == nil {
		return v, nil
	}
	if !there && len(p) > 1 && p[0].Element != nil {
		return nil, fmt.Errorf("there is no element %s", p[:1])
	}
	inner, err := p[1:].put(inner, value, prune)
	if err != nil {
		return nil, err
	}
	// The deepest parents are the ones that were made.
	if len(p)-1 <= prune && len(p) > 1 && empty(inner) {
		inner = nil
	}
	return p[0].with(v, inner)
}

// with returns v with the value inside it, or with none if it is nil.
func (s Step) with(v, value any) (any, error) {
	if s.Element != nil {
		return s.withElement(v, value)
	}
	m, ok := v.(map[string]any)
	if v != nil && !ok {
		return nil, fmt.Errorf("%s is inside something that is no map", s.Name)
	}
	m = maps.Clone(m)
	if m == nil {
		m = map[string]any{}
	}
	if m[s.Name] = value; value == nil {
		delete(m, s.Name)
	}
	return m, nil
}

func (s Step) withElement(v, value any) (any, error) {
	list, ok := v.([]any)
	if v != nil && !ok {
		return nil, fmt.Errorf("%s is inside something that is no list", Path{s})
	}
	list = slices.Clone(list)
	i := slices.IndexFunc(list, s.matches)
	switch {
	case i >= 0 && value == nil:
		list = slices.Delete(list, i, i+1)
	case i >= 0:
		list[i] = value
	case value != nil:
		list = append(list, value)
	}
	return list, nil
}

func empty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// normal gives a value the one form in which values are compared: an int and the float64 that JSON makes of it are equal.
func normal(v any) (out any, err error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return parse(b)
}

func parse(b json.RawMessage) (out any, err error) {
	if len(b) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return out, d.Decode(&out)
}

// holds says whether what was found is what was written. The API server may have added members to a map.
func holds(found, written any) bool {
	w, isMap := written.(map[string]any)
	f, ok := found.(map[string]any)
	if !isMap || !ok {
		return reflect.DeepEqual(found, written)
	}
	for k, v := range w {
		if in, there := f[k]; !there || !holds(in, v) {
			return false
		}
	}
	return true
}

// mergePatch is the merge patch that leads from one to the other (RFC 7396).
func mergePatch(from, to map[string]any) map[string]any {
	out := map[string]any{}
	for k := range from {
		if _, ok := to[k]; !ok {
			out[k] = nil
		}
	}
	for k, v := range to {
		old, there := from[k]
		a, aMap := old.(map[string]any)
		b, bMap := v.(map[string]any)
		switch {
		case aMap && bMap:
			if inner := mergePatch(a, b); len(inner) > 0 {
				out[k] = inner
			}
		case !there || !reflect.DeepEqual(old, v):
			out[k] = v
		}
	}
	return out
}
