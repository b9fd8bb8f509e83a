package live

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/time/rate"
)

//go:embed assets
var assets embed.FS

// Control is how people in the room act on a run.
type Control interface {
	// Acknowledge says that a manual step is done. It fails where nothing waits for that.
	Acknowledge(addr, by, answer string) error
	// Note has a remark written into the journal.
	Note(ctx context.Context, by, text string) error
	// Abort ends the run. Only the first one counts.
	Abort(by, reason string) error
}

// Server is the live page of one run.
type Server struct {
	Address Address
	Access  Access
	Room    *Room
	// Control is nil where the page only shows.
	Control Control
	// Reports are the files that may be read, by name, with their content types; Dir is where they are.
	Reports map[string]string
	Dir     string

	id     string
	notes  *rate.Limiter
	ending <-chan struct{}
}

// The limits of what somebody can send. A person writes a note every few seconds at most, and nobody writes a thousand.
const (
	maxBody     = 16 << 10
	maxConns    = 2 * maxViewers
	notesPerSec = 1
	noteBurst   = 10
)

// Serve answers on l, and follows the journal, until the context ends; then it waits for what it started. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	s.ending = ctx.Done()
	srv := &http.Server{
		Handler: s.Handler(), BaseContext: func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // what strangers do to a port is no news of the run
	}
	var room sync.WaitGroup
	var roomErr error
	room.Go(func() {
		if roomErr = s.Room.Run(ctx); roomErr != nil {
			cancel() // a page that shows nothing helps nobody
		}
	})
	var stop sync.WaitGroup
	stop.Go(func() {
		<-ctx.Done()
		room.Wait() // everybody has been sent the last words
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		_ = errors.Join(srv.Shutdown(grace), srv.Close()) // who does not listen is cut off
	})
	err := srv.Serve(netutil.LimitListener(l, maxConns))
	cancel()
	room.Wait()
	stop.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("serving the live page: %w", err)
	}
	return errors.Join(err, roomErr)
}

// lastWords is what a viewer has to hear how the run ended.
const lastWords = 2 * time.Second

// Handler is the page and what it talks to.
func (s *Server) Handler() http.Handler {
	s.id, s.notes = rand.Text()[:8], rate.NewLimiter(notesPerSec, noteBurst)
	mux := http.NewServeMux()
	files, err := fs.Sub(assets, "assets")
	if err != nil {
		panic("live: " + err.Error()) // the folder is part of this program
	}
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("POST /api/session", s.openSession)
	mux.HandleFunc("GET /api/stream", s.may(guest, s.stream))
	mux.HandleFunc("GET /api/reports", s.may(guest, s.reports))
	mux.HandleFunc("GET /report/{name}", s.may(guest, s.report))
	mux.HandleFunc("POST /api/note", s.may(control, s.note))
	mux.HandleFunc("POST /api/acknowledge", s.may(control, s.acknowledge))
	mux.HandleFunc("POST /api/abort", s.may(control, s.abort))
	return s.guarded(mux)
}

// answer writes JSON.
func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // who has gone away needs no answer
}

func refuse(w http.ResponseWriter, code int, why string) {
	answer(w, code, map[string]string{"error": why})
}

// read takes what a page sends; it answers where that makes no sense.
func (s *Server) read(w http.ResponseWriter, r *http.Request, into any) bool {
	if r.Header.Get("Content-Type") != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "Send application/json.")
		return false
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into); err != nil {
		refuse(w, http.StatusBadRequest, "That cannot be read: "+err.Error())
		return false
	}
	return true
}
