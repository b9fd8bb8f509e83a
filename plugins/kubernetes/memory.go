package kubernetes

import (
	"sync"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// memory is what probes remember of the first time that they were asked in a run. It is lost with the process; then the next time
// counts as the first.
type memory struct {
	mu     sync.Mutex
	counts map[string]int
	seen   map[string]*restartsSeen
}

// restartsSeen are the restarts of pods: when each was first seen, and by now. Those of pods that are gone are added up.
type restartsSeen struct {
	first, last map[string]int
	gone        int
}

func newMemory() *memory { return &memory{counts: map[string]int{}, seen: map[string]*restartsSeen{}} }

// first is the number that a probe gave when it was first asked.
func (m *memory) first(req sdk.Request, n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := req.Run + "/" + req.ID
	if _, ok := m.counts[key]; !ok {
		m.counts[key] = n
	}
	return m.counts[key]
}

// restarts is how often containers have restarted since a probe was first asked. A pod that came later began with none.
func (m *memory) restarts(req sdk.Request, now map[string]int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := req.Run + "/" + req.ID
	s := m.seen[key]
	if s == nil {
		s = &restartsSeen{first: now, last: now}
		m.seen[key] = s
	}
	for uid, n := range s.last {
		if _, there := now[uid]; !there {
			s.gone += n - s.first[uid]
		}
	}
	total := s.gone
	for uid, n := range now {
		total += n - s.first[uid]
	}
	kept := map[string]int{}
	for uid := range now {
		if n, ok := s.first[uid]; ok {
			kept[uid] = n
		}
	}
	s.first, s.last = kept, now
	return total
}
