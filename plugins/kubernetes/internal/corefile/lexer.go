package corefile

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// token is one word of a Corefile.
type token struct {
	text       string
	line       int // on which it begins
	end        int // offset after it
	startsLine bool
}

// lex cuts a Corefile into words as CoreDNS does: at white space, except inside quotes, in which only a quote can be escaped. What
// follows a # outside of quotes is a comment, also in the middle of a word.
func lex(text string) ([]token, error) {
	var out []token
	line, last := 1, 0 // last is the line on which the last token ended
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\n':
			line++
			i += size
		case unicode.IsSpace(r) || r == '\ufeff' && i == 0:
			i += size
		case r == '#':
			i = endOfLine(text, i)
		default:
			begin := line
			word, end, lines, err := word(text, i)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", begin, err)
			}
			line += lines
			out = append(out, token{text: word, line: begin, end: end, startsLine: begin != last})
			last, i = line, end
		}
	}
	return out, nil
}

func endOfLine(text string, i int) int {
	for i < len(text) && text[i] != '\n' {
		i++
	}
	return i
}

// word reads the word that begins at i, and says where it ends and how many line ends are in it.
func word(text string, i int) (out string, end, lines int, err error) {
	if text[i] == '"' {
		return quoted(text, i+1)
	}
	for end = i; end < len(text); {
		r, size := utf8.DecodeRuneInString(text[end:])
		if unicode.IsSpace(r) || r == '#' {
			break
		}
		end += size
	}
	return text[i:end], end, 0, nil
}

func quoted(text string, i int) (out string, end, lines int, err error) {
	for end = i; end < len(text); end++ {
		switch c := text[end]; {
		case c == '\\' && end+1 < len(text) && text[end+1] == '"':
			end++
			out += `"`
		case c == '"':
			return out, end + 1, lines, nil
		default:
			if c == '\n' {
				lines++
			}
			out += text[end : end+1]
		}
	}
	return "", 0, 0, fmt.Errorf("a quote is not closed")
}
