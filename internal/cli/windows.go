package cli

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

var windowForm = regexp.MustCompile(`^(?:(\w{3})(?:-(\w{3}))? )?(\d\d):(\d\d)-(\d\d):(\d\d)(?: (\S+))?$`)

var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// inWindow says whether a moment lies in a window: DAYS HH:MM-HH:MM ZONE, of which days and zone may be missing. A window
// that ends before it begins goes on over midnight and belongs to the day on which it began.
func inWindow(w string, now time.Time) (bool, error) {
	m := windowForm.FindStringSubmatch(w)
	if m == nil {
		return false, fmt.Errorf("%q does not have the form DAYS HH:MM-HH:MM ZONE", w)
	}
	if m[7] != "" {
		zone, err := time.LoadLocation(m[7])
		if err != nil {
			return false, fmt.Errorf("the window %q: %w", w, err)
		}
		now = now.In(zone)
	}
	from, to, at := clock(m[3], m[4]), clock(m[5], m[6]), now.Hour()*60+now.Minute()
	today := now.Weekday()
	if from < to {
		return at >= from && at < to && onDay(m[1], m[2], today), nil
	}
	yesterday := (today + 6) % 7
	return at >= from && onDay(m[1], m[2], today) || at < to && onDay(m[1], m[2], yesterday), nil
}

func clock(h, m string) (minutes int) {
	for i, s := range []string{h, m} {
		n := int(s[0]-'0')*10 + int(s[1]-'0')
		minutes += n * []int{60, 1}[i]
	}
	return minutes
}

func onDay(first, last string, day time.Weekday) bool {
	if first == "" {
		return true
	}
	if last == "" {
		last = first
	}
	from, to := slices.Index(weekdays, first), slices.Index(weekdays, last)
	if from <= to {
		return int(day) >= from && int(day) <= to
	}
	return int(day) >= from || int(day) <= to // Fri-Mon
}
