package mapping

import (
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/internal/replay/timeline"
)

// matcher finds one word: at the beginning of a word, in any case. "throttl" finds throttled and throttling; a word of
// three letters or fewer, such as AZ or DNS, is found whole only.
type matcher struct {
	word string
	re   *regexp.Regexp
}

const wholeUpTo = 3

func matchers(words []string) (out []matcher) {
	for _, w := range words {
		if w = strings.TrimSpace(w); w == "" {
			continue
		}
		end := ""
		if len(w) <= wholeUpTo {
			end = `(?:[^\pL\pN]|$)`
		}
		out = append(out, matcher{w, regexp.MustCompile(`(?i)(?:^|[^\pL\pN])` + regexp.QuoteMeta(w) + end)})
	}
	return out
}

func matched(words []matcher, text string) string {
	for _, m := range words {
		if m.re.MatchString(text) {
			return m.word
		}
	}
	return ""
}

// KindOf says what a line is about, and by which word.
func (m *Mapping) KindOf(text string) (kind timeline.Kind, word string) {
	for _, k := range m.Kinds {
		if w := matched(k.words, text); w != "" {
			return timeline.Kind(k.Name), w
		}
	}
	return timeline.Note, ""
}

// Match is a rule that fits a line.
type Match struct {
	*Rule
	Word string
	Also []string // names of the other rules that fit
}

// Fault finds what broke, by what a line says: a fault, or a reason why there is none. Nil where no rule fits.
func (m *Mapping) Fault(text string) *Match {
	return m.match(text, func(r *Rule) bool { return r.Action == "" })
}

// Action finds what was done about it.
func (m *Mapping) Action(text string) *Match {
	return m.match(text, func(r *Rule) bool { return r.Action != "" })
}

func (m *Mapping) match(text string, fits func(*Rule) bool) (found *Match) {
	for i := range m.Rules {
		r := &m.Rules[i]
		w := matched(r.words, text)
		switch {
		case w == "" || !fits(r):
		case found == nil:
			found = &Match{Rule: r, Word: w}
		case r.Name != found.Name:
			found.Also = append(found.Also, r.Name)
		}
	}
	return found
}

// Value looks for the value of an argument in a line. Found says whether the line has it; a value that is not known is
// left to be asked for, or left out.
func (f *Find) Value(text string) (v cty.Value, found bool) {
	if f.Pattern != "" {
		if m := f.pattern.FindStringSubmatch(text); m != nil {
			return f.typed(m[len(m)-1]), true
		}
	}
	if f.Otherwise != cty.NilVal && !f.Otherwise.IsNull() {
		return f.Otherwise, false
	}
	return cty.NilVal, false
}

// typed gives a match the type that the argument has: that of Otherwise, or a list for what is asked for.
func (f *Find) typed(s string) cty.Value {
	if f.As != "" {
		s = f.As
	}
	switch {
	case f.Number:
		if n, err := cty.ParseNumberVal(s); err == nil {
			return n
		}
	case f.List():
		return cty.TupleVal([]cty.Value{cty.StringVal(s)})
	case f.As == "" && f.In != "target":
		s = strings.ToLower(s)
	}
	return cty.StringVal(s)
}

// List says whether the argument is a list.
func (f *Find) List() bool {
	if f.Otherwise != cty.NilVal && !f.Otherwise.IsNull() {
		return f.Otherwise.Type().IsTupleType() || f.Otherwise.Type().IsListType()
	}
	return f.Ask != ""
}
