package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// Duration writes a duration for people: "0 s", "< 1 ms", "3.2 ms", "412 ms", "12.41 s", "1 min 05 s", "2 h 03 min", "1 d 04 h".
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "−" + Duration(-d)
	case d == 0:
		return "0 s"
	case d < time.Millisecond:
		return "< 1 ms"
	case d.Round(100*time.Microsecond) < 10*time.Millisecond:
		return trimZeros(strconv.FormatFloat(float64(d)/1e6, 'f', 1, 64)) + " ms"
	case d.Round(time.Millisecond) < time.Second:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	case d.Round(10*time.Millisecond) < time.Minute:
		return strings.TrimSuffix(strconv.FormatFloat(d.Round(10*time.Millisecond).Seconds(), 'f', 2, 64), ".00") + " s"
	case d.Round(time.Second) < time.Hour:
		return pair(d.Round(time.Second), time.Minute, "min", time.Second, "s")
	case d.Round(time.Minute) < 24*time.Hour:
		return pair(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
	}
	return pair(d.Round(time.Hour), 24*time.Hour, "d", time.Hour, "h")
}

// Limit writes an objective's figure as people do: "2m0s" becomes "2 min". What is no duration stays as it is.
func Limit(s string) string {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return s
	}
	if d < time.Second || d%time.Second != 0 {
		return Duration(d)
	}
	var parts []string
	for _, u := range []struct {
		d    time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / u.d; n > 0 {
			parts = append(parts, strconv.Itoa(int(n))+" "+u.name)
			d %= u.d
		}
	}
	return strings.Join(parts, " ")
}

func pair(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	return fmt.Sprintf("%d %s %02d %s", d/big, bigName, d%big/small, smallName)
}

// splitValue takes a measured string apart, so that its figure can be set larger than its error: "12.41 s (12.37 to 12.41)".
func splitValue(s string) (figure, rest string) {
	if i := strings.Index(s, " ("); i >= 0 && strings.HasSuffix(s, ")") {
		return s[:i], strings.ReplaceAll(s[i+2:len(s)-1], ") (", ", ")
	}
	if figure, rest, ok := strings.Cut(s, ", "); ok {
		return figure, rest
	}
	return s, ""
}

// sentence makes a reason that stands alone look like one: a capital, unless it begins with an address, and a period.
func sentence(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if s == "" || strings.ContainsAny(first, "._[`:/") && len(first) > 1 {
		return s
	}
	r, size := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[size:]
	if last, _ := utf8.DecodeLastRuneInString(s); unicode.IsLetter(last) || unicode.IsDigit(last) || last == ')' || last == '%' {
		s += "."
	}
	return s
}

// Offset writes a point on the run's clock: "0:12.410", "1:02:03.456".
func Offset(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "−", -d
	}
	ms := d.Round(time.Millisecond).Milliseconds()
	h, min, s := ms/3_600_000, ms/60_000%60, float64(ms%60_000)/1000
	if h > 0 {
		return fmt.Sprintf("%s%d:%02d:%06.3f", sign, h, min, s)
	}
	return fmt.Sprintf("%s%d:%06.3f", sign, min, s)
}

// Count writes a number of things with its thousands apart: "4,812".
func Count[T ~int | ~uint64](n T) string { return measure.Count(uint64(n)) }

// Percent writes a percentage with as many digits as it needs: "0 %", "0.0012 %", "99.95 %", "100 %".
func Percent(p float64) string {
	switch {
	case math.IsNaN(p):
		return "unknown"
	case math.IsInf(p, 0):
		return "unlimited"
	case p == 0:
		return "0 %"
	case math.Abs(p) < 0.00005:
		return "< 0.0001 %"
	case math.Abs(p) < 0.1:
		return trimZeros(strconv.FormatFloat(p, 'f', 4, 64)) + " %"
	}
	return trimZeros(strconv.FormatFloat(p, 'f', 2, 64)) + " %"
}

// Ratio writes good out of all as a percentage that never rounds up to 100.
func Ratio(good, all uint64) string {
	if all == 0 {
		return "no samples"
	}
	return Percent(math.Floor(float64(good)/float64(all)*10000) / 100)
}

func trimZeros(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// shortName is the last part of an address: what people call the block.
func shortName(addr string) string {
	for i, depth := len(addr)-1, 0; i >= 0; i-- {
		switch addr[i] {
		case ']':
			depth++
		case '[':
			depth--
		case '.':
			if depth == 0 {
				return addr[i+1:]
			}
		}
	}
	return addr
}

// clip shortens a string to n runes.
func clip(s string, n int) string {
	r := []rune(s)
	if n < 1 || len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + one + "s"
}

// wall writes a point on the run's clock as time of day, UTC.
func (m *Model) wall(at time.Duration) string {
	if m.Run.Started.IsZero() {
		return ""
	}
	return m.Run.Started.Add(at).UTC().Format("15:04:05.000")
}
