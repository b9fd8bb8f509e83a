package supervisor

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/names"
)

// maxEventLog bounds the event log. A lab that has noticed this much says nothing more.
const maxEventLog = 32 << 20

// eventLog appends one JSON object a line, in one write each, so that a reader never sees half of one for long.
type eventLog struct {
	mu      sync.Mutex
	file    *os.File
	written int64
}

func openEvents(path string) (*eventLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lab's event log: %w", err)
	}
	return &eventLog{file: f}, nil
}

// Append writes an event. What cannot be written is lost: evidence is no reason to stop.
func (l *eventLog) Append(e control.Event) {
	raw, err := json.Marshal(e)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.written > maxEventLog {
		return
	}
	n, _ := l.file.Write(append(raw, '\n'))
	l.written += int64(n)
}

func (l *eventLog) Close() error { return l.file.Close() }

// regionChanged tells what the DNS health check found.
func (s *Supervisor) regionChanged(c names.Change) {
	switch {
	case c.Healthy:
		s.note(control.Recovered, "dns health check", c.Region, c.Region+" takes orders")
	case c.Reason != "":
		s.note(control.Detected, "dns health check", c.Region, c.Region+" does not take orders: "+c.Reason)
	}
	if c.Moved {
		s.note(control.Noticed, "dns", c.Active, "shop.lab.test points to "+c.Active)
	}
}
