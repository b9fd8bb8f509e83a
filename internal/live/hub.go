package live

import (
	"errors"
	"sync"
	"time"
)

// maxViewers is how many may watch at the same time.
const maxViewers = 500

// queued is how many messages may wait for a viewer. Who is further behind is sent away: their browser comes back by itself, and
// begins with the present state.
const queued = 32

var errFull = errors.New("too many people are watching")

// hub passes messages on to everybody who watches. Nobody can hold it up.
type hub struct {
	mu      sync.Mutex
	viewers map[*viewer]struct{}
	most    int
	joined  int
	closed  bool
}

// viewer is one open page. Its queue is closed when it is sent away. What comes to it is written after a pause: hundreds of pages
// that are written to in the same instant would take the processor from the probes for some milliseconds, and users would seem
// to have waited.
type viewer struct {
	queue chan []byte
	pause time.Duration
}

const (
	apart = 7 * time.Millisecond // the pauses of one viewer and the next
	ranks = 64                   // until they begin at none again
)

func newHub(most int) *hub { return &hub{viewers: map[*viewer]struct{}{}, most: most} }

// join adds a viewer, whose first message is made while no other can come between.
func (h *hub) join(first func() []byte) (*viewer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.viewers) >= h.most {
		return nil, errFull
	}
	v := &viewer{queue: make(chan []byte, queued), pause: time.Duration(h.joined%ranks) * apart}
	h.joined++
	v.queue <- first()
	if h.closed {
		close(v.queue)
		return v, nil
	}
	h.viewers[v] = struct{}{}
	return v, nil
}

func (h *hub) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(v)
}

func (h *hub) drop(v *viewer) {
	if _, ok := h.viewers[v]; ok {
		delete(h.viewers, v)
		close(v.queue)
	}
}

// send hands a message to everybody. change is called first, while nobody can join: what a newcomer gets first and what
// comes next fit together.
func (h *hub) send(change func() []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := change()
	if len(m) == 0 {
		return
	}
	for v := range h.viewers {
		select {
		case v.queue <- m:
		default:
			h.drop(v)
		}
	}
}

// close sends everybody away, after what is in their queues.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for v := range h.viewers {
		h.drop(v)
	}
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.viewers)
}
