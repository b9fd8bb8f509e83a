package mark

import (
	"fmt"
	"strconv"
	"strings"
)

// Prefix is how the name of each of our toxics begins.
const Prefix = "gameday:"

// Name is the name of a toxic: gameday:RUN:BLOCK:STREAM, where anything that might mean something in an address is written
// as ~ and two hexadecimal digits.
func Name(run, block, stream string) string {
	return Prefix + escape(run) + ":" + escape(block) + ":" + stream
}

// Parse reads a name back.
func Parse(name string) (run, block string, err error) {
	rest, ours := strings.CutPrefix(name, Prefix)
	f := strings.Split(rest, ":")
	if !ours || len(f) != 3 {
		return "", "", fmt.Errorf("%q is no name of a toxic of gameday", name)
	}
	if run, err = unescape(f[0]); err == nil {
		block, err = unescape(f[1])
	}
	return run, block, err
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if plain(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "~%02X", s[i])
		}
	}
	return b.String()
}

func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '~' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", fmt.Errorf("%q ends in the middle", s)
		}
		c, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", fmt.Errorf("reading %q: %w", s, err)
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String(), nil
}
