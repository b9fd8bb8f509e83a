package supervisor

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/capacity"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
)

const maxBody = 1 << 20

// serveAPI serves the control API until the context ends. Reading needs no token, for there is nothing secret in a lab;
// changing does, so that a page in somebody's browser cannot.
func (s *Supervisor) serveAPI(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler: s.authorised(s.routes()), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the control API: %w", err)
	}
	return nil
}

func (s *Supervisor) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, s.status(r.Context()))
	})
	mux.HandleFunc("GET /v1/role", s.getRole)
	mux.HandleFunc("GET /v1/faults", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, s.faults.all())
	})
	mux.HandleFunc("PUT /v1/faults", s.putFault)
	mux.HandleFunc("DELETE /v1/faults", s.deleteFault)
	mux.HandleFunc("POST /v1/failover", s.postFailover)
	mux.HandleFunc("POST /v1/events", s.postEvent)
	mux.HandleFunc("GET /v1/regions/{region}/instances", s.inRegion(s.getInstances))
	mux.HandleFunc("POST /v1/regions/{region}/instances", s.inRegion(s.postInstance))
	mux.HandleFunc("DELETE /v1/regions/{region}/instances/{name}", s.inRegion(s.deleteInstance))
	return mux
}

func (s *Supervisor) authorised(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if r.Method != http.MethodGet && subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1 {
			fail(w, http.StatusUnauthorized, "Unauthorized", "the request does not carry this lab's token")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

func (s *Supervisor) inRegion(handle func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		region := r.PathValue("region")
		if !slices.Contains(layout.Regions(), region) {
			fail(w, http.StatusNotFound, "NoSuchRegion", "the lab has no region "+region)
			return
		}
		handle(w, r, region)
	}
}

func (s *Supervisor) getRole(w http.ResponseWriter, r *http.Request) {
	since, err := strconv.Atoi(r.URL.Query().Get("since"))
	if err != nil {
		fail(w, http.StatusBadRequest, "BadRequest", "since is not a number")
		return
	}
	answer(w, http.StatusOK, s.role.wait(r.Context(), r.URL.Query().Get("instance"), since))
}

func (s *Supervisor) putFault(w http.ResponseWriter, r *http.Request) {
	var rec control.Record
	if err := json.NewDecoder(r.Body).Decode(&rec); err != nil {
		fail(w, http.StatusBadRequest, "BadRequest", "the fault is not JSON: "+err.Error())
		return
	}
	rec.Run, rec.ID = r.URL.Query().Get("run"), r.URL.Query().Get("id")
	if rec.ID == "" || len(rec.Targets) == 0 {
		fail(w, http.StatusBadRequest, "BadRequest", "a fault needs an id and targets")
		return
	}
	// A client that hangs up must not leave the fault half made.
	err := s.inject(context.WithoutCancel(r.Context()), rec)
	var c *conflict
	switch {
	case errors.Is(err, errHealed):
		fail(w, http.StatusGone, "Healed", err.Error())
	case errors.As(err, &c):
		fail(w, http.StatusConflict, "Conflict", err.Error())
	case err != nil:
		fail(w, http.StatusInternalServerError, "Failed", err.Error())
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Supervisor) deleteFault(w http.ResponseWriter, r *http.Request) {
	key := control.Record{Run: r.URL.Query().Get("run"), ID: r.URL.Query().Get("id")}.Key()
	if err := s.heal(r.Context(), key); err != nil {
		fail(w, http.StatusInternalServerError, "Failed", err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Supervisor) postFailover(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("to")
	if !slices.Contains(layout.Regions(), to) {
		fail(w, http.StatusBadRequest, "NoSuchRegion", "the lab has no region "+to)
		return
	}
	// Half a failover is worse than either end of it, so it goes on when the client hangs up.
	result, err := s.move(context.WithoutCancel(r.Context()), to)
	if err != nil {
		fail(w, http.StatusConflict, "Failed", err.Error())
		return
	}
	answer(w, http.StatusOK, result)
}

func (s *Supervisor) postEvent(w http.ResponseWriter, r *http.Request) {
	var e control.Event
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		fail(w, http.StatusBadRequest, "BadRequest", "the event is not JSON: "+err.Error())
		return
	}
	s.events.Append(e)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Supervisor) getInstances(w http.ResponseWriter, _ *http.Request, region string) {
	answer(w, http.StatusOK, control.Instances{Quota: s.quotaState(region), Instances: s.listInstances(region)})
}

func (s *Supervisor) postInstance(w http.ResponseWriter, r *http.Request, region string) {
	dryRun := r.URL.Query().Get("dry_run") == "true"
	instance, err := s.launch(region, dryRun)
	var denied *capacity.Denied
	switch {
	case errors.As(err, &denied) && denied.Reason == capacity.Throttled:
		fail(w, http.StatusTooManyRequests, string(denied.Reason), err.Error())
	case errors.As(err, &denied):
		fail(w, http.StatusForbidden, string(denied.Reason), err.Error())
	case err != nil:
		fail(w, http.StatusServiceUnavailable, "InsufficientInstanceCapacity", err.Error())
	case dryRun:
		answer(w, http.StatusOK, instance)
	default:
		answer(w, http.StatusCreated, instance)
	}
}

func (s *Supervisor) deleteInstance(w http.ResponseWriter, r *http.Request, region string) {
	if err := s.terminate(r.Context(), region, r.PathValue("name")); err != nil {
		fail(w, http.StatusNotFound, "NoSuchInstance", err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone; there is nobody else to tell
}

func fail(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, control.Error{Code: code, Message: message})
}
