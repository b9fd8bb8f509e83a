package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// notice is one alert of a message.
type notice struct {
	Status      string            `json:"status"` // firing or resolved
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Fingerprint string            `json:"fingerprint"`

	generic bool // of the tiny format, which has no labels to choose by
	text    string
}

// parseNotices reads Alertmanager's webhook format (version 4), or the tiny one.
func parseNotices(body []byte) ([]notice, error) {
	var m struct {
		Alerts  []notice `json:"alerts"`
		Firing  *bool    `json:"firing"`
		Summary string   `json:"summary"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("the message is not JSON: %w", err)
	}
	if m.Firing != nil {
		n := notice{Status: "resolved", generic: true, text: m.Summary}
		if *m.Firing {
			n.Status = "firing"
		}
		return []notice{n}, nil
	}
	if m.Alerts == nil {
		return nil, errors.New(`the message has neither "alerts" nor "firing"`)
	}
	for i := range m.Alerts {
		m.Alerts[i].text = summary(m.Alerts[i].Labels, m.Alerts[i].Annotations)
	}
	return m.Alerts, nil
}

// key tells alerts apart.
func (n notice) key() string {
	if n.Fingerprint != "" {
		return n.Fingerprint
	}
	b, _ := json.Marshal(n.Labels) // map keys are sorted; a map of strings cannot fail
	return string(b)
}

const maxFiring = 10_000

// board holds which alerts fire, and tells when that is any or none.
type board struct {
	base time.Time
	emit func(State)

	mu     sync.Mutex
	firing map[string]bool
	closed bool
}

func newBoard(base time.Time, emit func(State)) *board {
	return &board{base: base, emit: emit, firing: map[string]bool{}}
}

func (b *board) post(notices []notice, counts func(notice) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range notices {
		if b.closed || !counts(n) {
			continue
		}
		before := len(b.firing) > 0
		if n.Status != "firing" {
			delete(b.firing, n.key())
		} else if len(b.firing) < maxFiring {
			b.firing[n.key()] = true
		}
		if now := len(b.firing) > 0; now != before {
			b.emit(State{At: time.Since(b.base), Firing: now, Summary: clip(n.text)})
		}
	}
}

// close makes sure that nothing is emitted after it.
func (b *board) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}
