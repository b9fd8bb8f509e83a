package live

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// patience is what a connection has to take one message.
	patience = 10 * time.Second
	// quietFor is how long a stream may be silent before proxies and browsers take it for dead.
	quietFor = 15 * time.Second
)

// stream sends the room's messages until the page is closed, or too slow.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	v, err := s.Room.hub.join(s.Room.first)
	if err != nil {
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "Too many people are watching; try again later.")
		return
	}
	defer s.Room.hub.leave(v)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the request is over; the stream is not
	send := func(m []byte) bool {
		_ = out.SetWriteDeadline(time.Now().Add(patience))
		if _, err := w.Write(m); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	who, _ := s.role(r)
	if !send(append([]byte("retry: 2000\n"), encode("you", who)...)) {
		return
	}
	idle := time.NewTicker(quietFor)
	defer idle.Stop()
	for {
		m := []byte(": still here\n\n")
		open := true
		select {
		case m, open = <-v.queue:
			pause(r.Context(), v.pause)
		case <-idle.C:
		case <-s.ending:
			s.rest(v, send)
			return
		case <-r.Context().Done():
			select {
			case <-s.ending: // which ends all requests
				s.rest(v, send)
			default:
			}
			return
		}
		if !open || !send(m) {
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	if d == 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// rest sends what is left in a queue when the run has ended: the last of it is how.
func (s *Server) rest(v *viewer, send func([]byte) bool) {
	deadline := time.After(lastWords)
	for {
		select {
		case m, open := <-v.queue:
			if !open || !send(m) {
				return
			}
		case <-deadline:
			return
		}
	}
}

// reports are the names of those that are there.
func (s *Server) reports(w http.ResponseWriter, _ *http.Request) {
	names := []string{}
	for name := range s.Reports {
		if _, err := os.Stat(filepath.Join(s.Dir, name)); err == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	answer(w, http.StatusOK, names)
}

// report serves one of the run's reports. A report that somebody has put a script into can reach nothing with it.
func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	kind, ok := s.Reports[r.PathValue("name")]
	if !ok {
		refuse(w, http.StatusNotFound, "There is no such report.")
		return
	}
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		refuse(w, http.StatusNotFound, "The run's directory cannot be read.")
		return
	}
	defer func() { _ = root.Close() }()
	f, err := root.Open(filepath.Base(r.PathValue("name")))
	if err != nil {
		refuse(w, http.StatusNotFound, "There is no such report yet.")
		return
	}
	defer func() { _ = f.Close() }()
	w.Header().Set("Content-Security-Policy", reportPolicy)
	w.Header().Set("Content-Type", kind)
	_, _ = io.Copy(w, f)
}
