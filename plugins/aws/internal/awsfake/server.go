package awsfake

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Account is the account that the server answers for.
const Account = "123456789012"

// AccessKey and Secret are the credentials that it knows. Token is that of an assumed role.
const (
	AccessKey = "AKIAFAKEFAKEFAKEFAKE"
	Secret    = "fake-secret-that-no-log-may-show"
	Token     = "fake-session-token-that-no-log-may-show"
)

// Server answers for AWS.
type Server struct {
	URL  string
	http *httptest.Server
	ops  map[string]map[string]handler

	mu      sync.Mutex
	regions map[string]*region
	knobs   knobs
	log     []Logged
	serial  int
	closing chan struct{}
}

// handler carries out one call on the state of a region.
type handler func(*call) (any, error)

// New starts a server with nothing in it but what every account has.
func New() *Server {
	s := &Server{
		ops: operations(), regions: map[string]*region{}, closing: make(chan struct{}),
		knobs: knobs{throttle: map[string]int{}, failures: map[string]*failure{}, down: map[string]Silence{}},
	}
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	return s
}

// Close stops the server. Calls that hang end.
func (s *Server) Close() {
	close(s.closing)
	s.http.CloseClientConnections()
	s.http.Close()
}

// scope is in every signature: Credential=KEY/DATE/REGION/SERVICE/aws4_request.
var scope = regexp.MustCompile(`Credential=([^/]+)/[0-9]{8}/([^/]+)/([^/]+)/aws4_request`)

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, besides) {
		s.beside(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	c := &call{server: s, request: r, body: body, id: rand.Text()}
	m := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		http.Error(w, "the request is not signed", http.StatusForbidden)
		return
	}
	c.key, c.region, c.service = m[1], m[2], m[3]
	if c.silent(w) {
		return
	}
	c.protocol, c.op = identify(c)
	out, err := s.answer(c)
	if err != nil {
		c.protocol.fail(w, c, asError(err))
		return
	}
	c.protocol.succeed(w, c, out)
}

// silent does not answer, where the region is down.
func (c *call) silent(w http.ResponseWriter) bool {
	c.server.mu.Lock()
	how := c.server.knobs.down[c.region]
	c.server.mu.Unlock()
	switch how {
	case Hangs:
		select {
		case <-c.request.Context().Done():
		case <-c.server.closing:
		}
	case Refuses:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	}
	return how != ""
}

// answer carries the call out. One at a time: the state has one lock.
func (s *Server) answer(c *call) (out any, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		entry := Logged{Action: c.action(), Region: c.region}
		if err != nil {
			entry.Code = asError(err).Code
		}
		s.log = append(s.log, entry)
	}()
	if c.key != AccessKey && !strings.HasPrefix(c.key, "ASIA") {
		return nil, c.protocol.unknownKey()
	}
	if e := s.knobs.hindrance(c); e != nil {
		return nil, e
	}
	fn := s.ops[c.service][c.op]
	if fn == nil {
		return nil, c.protocol.unknownOperation(c)
	}
	r := s.region(home(c.service, c.region))
	c.state = r.now
	if c.reads() {
		c.state = r.seen(s.knobs.lag)
	} else if s.knobs.lag > 0 {
		if err := r.keep(); err != nil {
			return nil, err
		}
	}
	out, err = fn(c)
	if !c.reads() {
		r.now.settle(c)
	}
	return out, err
}

func (s *Server) region(name string) *region {
	if s.regions[name] == nil {
		s.regions[name] = &region{name: name, now: newState(name)}
	}
	return s.regions[name]
}

// newID makes an ID such as i-0000000000000002a. Needs the lock.
func (s *Server) newID(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s-%017x", prefix, s.serial)
}

// when is when AWS will be done with what it begins now. Needs the lock.
func (s *Server) when() time.Time { return time.Now().Add(s.knobs.takes) }

// Error is an error as AWS makes them.
type Error struct {
	Code, Message string
	Status        int
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func failf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: "InternalError", Message: err.Error(), Status: http.StatusInternalServerError}
}
