package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/gameday-toolkit/gameday/plugins/sdk/proto"
)

// Session is one plugin at the service of one host: it carries out the host's calls and holds the lease. Serve makes
// one for a plugin's process; tests make one directly.
type Session struct {
	plugin *Plugin
	log    *log.Logger

	mu       sync.Mutex
	settings Settings
	phase    phase
	deadline time.Time
	timer    *time.Timer
	held     map[string]*held
	order    uint64
	ended    bool
	cause    error // of the end
	left     int   // faults that could not be proven gone at the end
	done     chan struct{}
}

// phase says how far Configure has come.
type phase int

const (
	unconfigured phase = iota
	configuring
	configured
)

// NewSession makes a session for p. What the session has to say about panics and the lease goes to logs.
func NewSession(p *Plugin, logs io.Writer) (*Session, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return &Session{
		plugin: p,
		log:    log.New(logs, "", log.LstdFlags|log.LUTC|log.Lmicroseconds),
		held:   map[string]*held{},
		done:   make(chan struct{}),
	}, nil
}

// Register offers the session's calls on a gRPC server.
func (s *Session) Register(r grpc.ServiceRegistrar) {
	proto.RegisterPluginServer(r, &service{session: s})
}

// Done is closed when the session is over and everything that was held has been reverted or given up.
func (s *Session) Done() <-chan struct{} { return s.done }

// Close ends the session: whatever is still held is reverted. It returns when that is done or ctx has ended.
func (s *Session) Close(ctx context.Context) {
	s.end(ctx, "the host stopped the plugin", context.Canceled)
	<-s.done
}

// abandon ends the session and leaves the faults where they are.
func (s *Session) abandon() {
	if s.finish(context.Canceled) {
		close(s.done)
	}
}

// leased says whether a lease will end this session.
func (s *Session) leased() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.deadline.IsZero()
}

// over says whether the lease is at its end. The deadline counts even if the timer is late. Needs the lock.
func (s *Session) over() bool {
	return s.ended || (!s.deadline.IsZero() && !time.Now().Before(s.deadline))
}

// exitCode is the code with which a process ends that served this session.
func (s *Session) exitCode() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.left > 0:
		return ExitFaultsLeft
	case errors.Is(s.cause, ErrLeaseExpired):
		return ExitLeaseExpired
	}
	return exitStopped
}

// ready refuses every call before Configure.
func (s *Session) ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != configured {
		return outOfOrder("Configure comes before every other call but Describe")
	}
	return nil
}

// configure runs the plugin's Configure once, and starts the lease if it went well.
func (s *Session) configure(ctx context.Context, set Settings) (map[string]any, []Problem, error) {
	if err := s.begin(); err != nil {
		return nil, nil, err
	}
	var out map[string]any
	var problems []Problem
	err := s.guard("Configure", func() (err error) {
		if s.plugin.Configure != nil {
			out, problems, err = s.plugin.Configure(ctx, set)
		}
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || HasErrors(problems) {
		s.phase = unconfigured
		return nil, problems, err
	}
	if s.ended {
		return nil, nil, outOfOrder("the session ended during Configure")
	}
	s.phase, s.settings = configured, set
	if set.Lease > 0 {
		s.extend(set.Lease)
		s.timer = time.AfterFunc(set.Lease, s.expire)
	}
	return out, problems, nil
}

func (s *Session) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != unconfigured {
		return outOfOrder("Configure is called once")
	}
	s.phase = configuring
	return nil
}

// guard turns a panic of the plugin's code into the error of this one call.
func (s *Session) guard(call string, fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Printf("panic in %s: %v\n%s", call, r, debug.Stack())
			err = fmt.Errorf("%w: %v", ErrPanicked, r)
		}
	}()
	return fn()
}

// HasErrors says whether any problem is one that stops the plan.
func HasErrors(problems []Problem) bool {
	for _, p := range problems {
		if p.Severity == Error {
			return true
		}
	}
	return false
}

func outOfOrder(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrOutOfOrder, fmt.Sprintf(format, args...))
}
