package measure

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Measured times are printed in seconds with two decimals, rounded outwards: a lower end down and an upper end up, so that
// the truth lies inside what is printed too.

const hundredth = 10 * time.Millisecond

// Seconds prints a time to the nearest hundredth of a second: "12.41 s", "60 s".
func Seconds(d time.Duration) string { return seconds(d.Round(hundredth)) }

func floor(d time.Duration) string { return seconds(d.Truncate(hundredth)) }

func ceil(d time.Duration) string {
	if up := d.Truncate(hundredth); up < d {
		return seconds(up + hundredth)
	}
	return seconds(d)
}

// seconds prints a multiple of a hundredth of a second.
func seconds(d time.Duration) string {
	s := strconv.FormatFloat(float64(d/hundredth)/100, 'f', 2, 64)
	return strings.TrimSuffix(s, ".00") + " s"
}

// String prints the upper end, and the interval behind it: "12.41 s (12.37 to 12.41)"; or "> 60 s".
func (i Interval) String() string {
	if i.Censored {
		return "> " + floor(i.Lo)
	}
	lo, hi := strings.TrimSuffix(floor(i.Lo), " s"), strings.TrimSuffix(ceil(i.Hi), " s")
	if lo == hi {
		return hi + " s"
	}
	return fmt.Sprintf("%s s (%s to %s)", hi, lo, hi)
}

// Figure prints the interval's one end that stands for it: "12.41 s", or "> 60 s".
func (i Interval) Figure() string {
	figure, _, _ := strings.Cut(i.String(), " (")
	return figure
}

// clip keeps a measured time from being negative.
func (i Interval) clip() Interval {
	i.Lo, i.Hi = max(0, i.Lo), max(0, i.Hi)
	return i
}

// plus merges two lengths.
func (i Interval) plus(j Interval) Interval {
	return Interval{Lo: i.Lo + j.Lo, Hi: i.Hi + j.Hi, Censored: i.Censored || j.Censored}
}

// against judges a measured time: it is within the limit, or beyond it, or the limit lies inside the error.
func (i Interval) against(limit time.Duration) Verdict {
	switch {
	case i.Lo > limit, i.Censored && i.Lo >= limit:
		return Fail
	case !i.Censored && i.Hi <= limit:
		return Pass
	default:
		return Inconclusive
	}
}

// Count prints a number with its thousands apart: "4,812".
func Count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Percent prints a percentage with as many digits as it needs, three significant ones at the most: "0.5 %".
func Percent(p float64) string {
	if p >= 100 {
		return strconv.FormatFloat(math.Round(p), 'f', -1, 64) + " %"
	}
	return strconv.FormatFloat(p, 'g', 3, 64) + " %"
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *Verdict) UnmarshalText(b []byte) error {
	for i, name := range verdictNames {
		if name == string(b) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a verdict", b)
}
