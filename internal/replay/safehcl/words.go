package safehcl

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

const (
	longest     = 2000 // runes of a text for people
	longComment = 200  // runes of a comment
	longName    = 40   // letters of a name
)

// Clean takes out what steers terminals and turns the direction of text around.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			return -1
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n"))
}

func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + " ..."
}

// Quote makes a literal: no template in the text is one any more.
func Quote(s string) string { return Value(cty.StringVal(Clean(s))) }

// Quotes makes a list of literals.
func Quotes(list []string) string {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = Quote(s)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// Value writes a value.
func Value(v cty.Value) string { return string(hclwrite.TokensForValue(v).Bytes()) }

// OneLine is a text for a comment.
func OneLine(s string) string {
	return cut(strings.Join(strings.Fields(Clean(s)), " "), longComment)
}

// Slug makes a name for a directory or a scenario: a to z, 0 to 9 and dashes, and a letter first.
func Slug(s, otherwise string) string { return name(s, '-', otherwise) }

// name keeps letters and digits of ASCII, and puts one separator for all that is between them.
func name(s string, sep rune, otherwise string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteRune(sep)
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	out := whole(b.String(), sep)
	switch {
	case out == "":
		return otherwise
	case out[0] < 'a' || out[0] > 'z':
		return otherwise + string(sep) + out
	}
	return out
}

// whole cuts a name where a word ends.
func whole(s string, sep rune) string {
	if len(s) <= longName {
		return s
	}
	cut := s[:longName+1]
	if i := strings.LastIndexByte(cut, byte(sep)); i > 0 {
		return cut[:i]
	}
	return s[:longName]
}

// Names gives each block of a file a name of its own.
type Names struct{ taken map[string]bool }

// Of makes a name of a text: a to z, 0 to 9 and underscores.
func (n *Names) Of(s, otherwise string) string {
	if n.taken == nil {
		n.taken = map[string]bool{}
	}
	base := name(s, '_', otherwise)
	out := base
	for i := 2; n.taken[out]; i++ {
		out = fmt.Sprintf("%s_%d", base, i)
	}
	n.taken[out] = true
	return out
}
