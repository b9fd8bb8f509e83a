package rule

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Verdict is what becomes of one query. With neither Reply nor Pass there is no answer.
type Verdict struct {
	// Reply is the answer, where the rule has one of its own.
	Reply []byte
	// Pass sends the query on, after After, or at once when Over closes. Keep may change the answer on its way back.
	Pass  bool
	After time.Duration
	Over  <-chan struct{}
	Keep  func(answer []byte) []byte
	// Close ends the client's connection.
	Close bool
}

// Passed is the verdict on a query that no rule is about.
func Passed() Verdict { return Verdict{Pass: true} }

// standing is a rule in a set.
type standing struct {
	Rule
	over   chan struct{}
	until  time.Time // zero for ever
	hits   uint64
	chance *rand.Rand
	frozen *frozen
}

// Set holds the rules that stand, oldest first. The first one that hits decides.
type Set struct {
	mu    sync.Mutex
	order []string
	rules map[string]*standing
}

// NewSet returns an empty set.
func NewSet() *Set { return &Set{rules: map[string]*standing{}} }

// Put lets a rule stand, until the time given or for ever. One of that ID that stands is replaced.
func (s *Set) Put(id string, r Rule, until time.Time) {
	s.Drop(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = append(s.order, id)
	s.rules[id] = &standing{
		Rule: r, until: until, over: make(chan struct{}), frozen: newFrozen(),
		chance: rand.New(rand.NewPCG(uint64(r.Seed), uint64(len(id)))), // #nosec G404 -- chance that is repeatable
	}
}

// Renew moves the end of a rule. It says whether the rule still stands.
func (s *Set) Renew(id string, until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rules[id]
	if r == nil || r.lapsed() {
		return false
	}
	r.until = until
	return true
}

// Drop takes a rule away. Queries that it delays are passed on at once. One that is not there is no error.
func (s *Set) Drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rules[id]
	if r == nil {
		return
	}
	close(r.over)
	delete(s.rules, id)
	for i, other := range s.order {
		if other == id {
			s.order = append(s.order[:i:i], s.order[i+1:]...)
			return
		}
	}
}

// Look says whether a rule stands, for how long, and how many queries it has hit.
func (s *Set) Look(id string) (left time.Duration, hits uint64, stands bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rules[id]
	if r == nil || r.lapsed() {
		return 0, 0, false
	}
	return time.Until(r.until), r.hits, true
}

// Lapsed drops every rule whose time is over.
func (s *Set) Lapsed() {
	s.mu.Lock()
	var ended []string
	for id, r := range s.rules {
		if r.lapsed() {
			ended = append(ended, id)
		}
	}
	s.mu.Unlock()
	for _, id := range ended {
		s.Drop(id)
	}
}

func (r *standing) lapsed() bool { return !r.until.IsZero() && !time.Now().Before(r.until) }

// Decide says what becomes of a query.
func (s *Set) Decide(q Query) Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.order {
		r := s.rules[id]
		if r.lapsed() || !r.Rule.hits(q) || r.Percent < all && r.chance.Float64()*all >= r.Percent {
			continue
		}
		v, applies := r.verdict(q)
		if !applies {
			continue
		}
		r.hits++
		return v
	}
	return Passed()
}

// verdict is what the rule does to a query that it hits. A rule may have nothing to say to a kind of query after all.
func (r *standing) verdict(q Query) (Verdict, bool) {
	switch r.Mode {
	case Drop:
		return Verdict{}, true
	case Delay:
		return Verdict{Pass: true, After: r.Delay, Over: r.over}, true
	case Stale:
		return r.frozen.verdict(q, r.TTL), true
	case Truncated:
		if !q.TCP {
			return replied(q, r.Rule)
		}
		return Verdict{Close: r.TCP == TCPClose}, r.TCP != TCPAnswer
	}
	return replied(q, r.Rule)
}

func replied(q Query, r Rule) (Verdict, bool) {
	reply, ok := r.reply(q)
	return Verdict{Reply: reply}, ok
}
