package timeline

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dates reads times as people write them. A time of day belongs to the day of the time before it, or to the next one
// where it would be more than half a day earlier; a duration counts from the beginning.
type dates struct {
	begin, last time.Time
	assumed     bool // some time had no zone, and was taken for UTC
}

var withZone = []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04 MST", "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05.000-0700"}

var withoutZone = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04"}

var ofDay = []string{"15:04:05", "15:04"}

// The years in which incidents happen: others are a slip, and make no sense as offsets.
const firstYear, lastYear = 1980, 2200

func (d *dates) parse(s string) (time.Time, error) {
	t, err := d.read(strings.TrimSpace(s))
	if err != nil {
		return time.Time{}, err
	}
	if y := t.Year(); y < firstYear || y > lastYear {
		return time.Time{}, fmt.Errorf("%s is not in a year between %d and %d", short(s), firstYear, lastYear)
	}
	if d.begin.IsZero() {
		d.begin = t
	}
	d.last = t
	return t, nil
}

func (d *dates) read(s string) (time.Time, error) {
	if len(s) > 64 {
		return time.Time{}, fmt.Errorf("%s is not a time", short(s))
	}
	for _, layout := range withZone {
		if t, err := time.Parse(layout, s); err == nil {
			if name, offset := t.Zone(); offset == 0 && name != "UTC" && name != "GMT" && name != "" {
				return time.Time{}, fmt.Errorf("the zone %s is not known here; write its offset, as in 2026-03-14T09:02:00+01:00, or UTC", name)
			}
			return t.UTC(), nil
		}
	}
	for _, layout := range withoutZone {
		if t, err := time.Parse(layout, s); err == nil {
			d.assumed = true
			return t, nil
		}
	}
	if t, ok := d.clock(s); ok {
		return t, nil
	}
	if t, ok := d.offset(s); ok {
		return t, nil
	}
	if d.begin.IsZero() {
		return time.Time{}, fmt.Errorf("%s is not a time with its date, and nothing before it has a date; write it as 2026-03-14T09:02:00Z", short(s))
	}
	return time.Time{}, fmt.Errorf("%s is not a time; write 2026-03-14T09:02:00Z, 09:02, or +9m for nine minutes after the beginning", short(s))
}

func (d *dates) clock(s string) (time.Time, bool) {
	bare := strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(s, "Z"), "UTC"))
	for _, layout := range ofDay {
		c, err := time.Parse(layout, bare)
		if err != nil {
			continue
		}
		if d.last.IsZero() {
			return time.Time{}, false
		}
		t := d.last.Truncate(24 * time.Hour).Add(time.Duration(c.Hour())*time.Hour + time.Duration(c.Minute())*time.Minute + time.Duration(c.Second())*time.Second)
		if t.Before(d.last.Add(-12 * time.Hour)) {
			t = t.Add(24 * time.Hour)
		}
		return t, true
	}
	return time.Time{}, false
}

// offset is a duration after the beginning, or a number of seconds. Where nothing has said when that was, it is the
// beginning of a day of no importance: only distances count.
func (d *dates) offset(s string) (time.Time, bool) {
	after, err := time.ParseDuration(strings.TrimPrefix(s, "+"))
	if err != nil {
		n, err := strconv.ParseFloat(strings.TrimPrefix(s, "+"), 64)
		if err != nil || n < 0 || n > 1e9 {
			return time.Time{}, false
		}
		after = time.Duration(n * float64(time.Second))
	}
	if after < 0 || after > 366*24*time.Hour {
		return time.Time{}, false
	}
	if d.begin.IsZero() {
		d.begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return d.begin.Add(after), true
}

// short is a text of a stranger for an error.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "..."
	}
	return strconv.QuoteToASCII(s)
}
