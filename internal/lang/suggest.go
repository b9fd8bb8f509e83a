package lang

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agext/levenshtein"
)

// nearest is the name that was probably meant, or "". Of several it is always the same.
func nearest(given string, names []string) string {
	best, bestDist := "", 4
	for _, n := range slices.Sorted(slices.Values(names)) {
		d := levenshtein.Distance(given, n, nil)
		if d < bestDist && d <= max(1, (utf8.RuneCountInString(given)+1)/2) {
			best, bestDist = n, d
		}
	}
	return best
}

// didYouMean is a sentence that helps with a name that does not exist: the near miss, or what there is.
func didYouMean(given string, names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	names = slices.Compact(names)
	if n := nearest(given, names); n != "" {
		return fmt.Sprintf("Did you mean %q?", n)
	}
	if len(names) == 0 {
		return ""
	}
	more := ""
	if len(names) > 20 {
		names, more = names[:20], ", ..."
	}
	return fmt.Sprintf("What there is: %s%s.", strings.Join(names, ", "), more)
}

func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
