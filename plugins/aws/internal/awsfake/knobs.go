package awsfake

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// knobs are what a test has set. Actions are named as IAM names them, ec2:StopInstances; * stands for every one.
type knobs struct {
	throttle  map[string]int
	denied    []string
	failures  map[string]*failure
	expired   bool
	lag       time.Duration
	takes     time.Duration
	down      map[string]Silence
	queryOnly bool
	// replication is how long it takes from one region to another, unless it is cut.
	replication time.Duration
	cut         bool
}

type failure struct {
	after int
	err   Error
}

// Silence is how a region does not answer.
type Silence string

// A region that hangs takes requests and never answers; one that refuses closes the connection.
const (
	Hangs   Silence = "hangs"
	Refuses Silence = "refuses"
)

// Throttle makes AWS turn the next n calls of an action away.
func (s *Server) Throttle(action string, n int) {
	s.set(func(k *knobs) { k.throttle[action] = n })
}

// Deny takes actions away from the caller; Allow gives all of them back.
func (s *Server) Deny(actions ...string) {
	s.set(func(k *knobs) { k.denied = append(k.denied, actions...) })
}

// Allow gives everything back that Deny took.
func (s *Server) Allow() { s.set(func(k *knobs) { k.denied = nil }) }

// Expire makes the credentials expire, or not any more.
func (s *Server) Expire(expired bool) { s.set(func(k *knobs) { k.expired = expired }) }

// Fail makes every call of an action fail after n that succeed.
func (s *Server) Fail(action string, after int, err Error) {
	s.set(func(k *knobs) { k.failures[action] = &failure{after, err} })
}

// Heal ends what Fail began.
func (s *Server) Heal() { s.set(func(k *knobs) { k.failures = map[string]*failure{} }) }

// Lag makes reads show what was there so long ago.
func (s *Server) Lag(d time.Duration) { s.set(func(k *knobs) { k.lag = d }) }

// Take makes whatever AWS does by itself, such as stopping an instance, take so long.
func (s *Server) Take(d time.Duration) { s.set(func(k *knobs) { k.takes = d }) }

// Down makes a region fall silent; Up makes it answer again.
func (s *Server) Down(region string, how Silence) { s.set(func(k *knobs) { k.down[region] = how }) }

// Up makes a region answer again.
func (s *Server) Up(region string) { s.set(func(k *knobs) { delete(k.down, region) }) }

// QueryOnly makes CloudWatch answer 404 to the SDK's own protocol, as many emulators do.
func (s *Server) QueryOnly() { s.set(func(k *knobs) { k.queryOnly = true }) }

func (s *Server) set(fn func(*knobs)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(&s.knobs)
}

// Logged is one call that was answered or turned away.
type Logged struct {
	Action, Region string
	// Code is the error's, or empty.
	Code string
}

// Calls lists the calls whose action has the prefix.
func (s *Server) Calls(prefix string) []Logged {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.log), func(l Logged) bool { return !strings.HasPrefix(l.Action, prefix) })
}

// hindrance is the error that the knobs have for a call, if any.
func (k *knobs) hindrance(c *call) *Error {
	action := c.action()
	if k.queryOnly && c.protocol == rpcCBOR {
		return &Error{"NotFound", "no such page", http.StatusNotFound}
	}
	if k.expired {
		return c.protocol.expired()
	}
	if n := k.throttle[action]; n > 0 {
		k.throttle[action] = n - 1
		return c.protocol.throttled()
	}
	if slices.Contains(k.denied, action) || slices.Contains(k.denied, "*") {
		return c.protocol.denied(action)
	}
	if f := k.failures[action]; f != nil {
		if f.after == 0 {
			return &f.err
		}
		f.after--
	}
	return nil
}

// Dry is how many of an action's calls were only to try it out.
func (s *Server) Dry(action string) (n int) {
	for _, l := range s.Calls(action) {
		if l.Code == "DryRunOperation" {
			n++
		}
	}
	return n
}
