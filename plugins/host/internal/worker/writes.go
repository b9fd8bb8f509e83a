package worker

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Writes is how many bytes a second the worker hands to the kernel, measured over at most that time; it returns as soon as
// there are some.
func (f Found) Writes(patience time.Duration) (float64, error) {
	before, err := f.written()
	if err != nil {
		return 0, err
	}
	for began := time.Now(); time.Since(began) < patience; {
		time.Sleep(patience / 10)
		now, err := f.written()
		if err != nil {
			return 0, err
		}
		if now > before {
			return float64(now-before) / time.Since(began).Seconds(), nil
		}
	}
	return 0, nil
}

func (f Found) written() (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", f.Info.PID))
	if err != nil {
		return 0, fmt.Errorf("reading what process %d wrote: %w", f.Info.PID, err)
	}
	for line := range strings.Lines(string(raw)) {
		if n, ok := strings.CutPrefix(line, "wchar:"); ok {
			return strconv.ParseInt(strings.TrimSpace(n), 10, 64)
		}
	}
	return 0, fmt.Errorf("the kernel does not count what process %d writes", f.Info.PID)
}
