package capacity

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The rate limit of launches: a burst of two, then one every two seconds.
const (
	Burst    = 2
	Interval = 2 * time.Second
)

// Reason says why a request was denied, in the words of a cloud's error code.
type Reason string

// The reasons.
const (
	QuotaExceeded Reason = "QuotaExceeded"
	Throttled     Reason = "RequestLimitExceeded"
)

// Denied is the answer to a request that was not granted.
type Denied struct {
	Reason Reason
	Used   int
	Limit  int
}

func (d *Denied) Error() string {
	if d.Reason == Throttled {
		return string(Throttled) + ": at most one launch every " + Interval.String()
	}
	return fmt.Sprintf("%s: %d of %d instances are in use", d.Reason, d.Used, d.Limit)
}

// Quota is one region's limit on instances. Clamps lower it; the lowest holds.
type Quota struct {
	mu      sync.Mutex
	limit   int
	clamps  map[string]int
	limiter *rate.Limiter
}

// New returns a quota without clamps.
func New(limit int) *Quota {
	return &Quota{limit: limit, clamps: map[string]int{}, limiter: rate.NewLimiter(rate.Every(Interval), Burst)}
}

// Clamp lowers the limit for as long as the owner holds it.
func (q *Quota) Clamp(owner string, limit int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.clamps[owner] = limit
}

// Unclamp takes the owner's clamp away; without one it does nothing.
func (q *Quota) Unclamp(owner string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.clamps, owner)
}

// Limit is the limit that holds now.
func (q *Quota) Limit() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.effective()
}

func (q *Quota) effective() int {
	limit := q.limit
	for _, c := range q.clamps {
		limit = min(limit, c)
	}
	return limit
}

// Ask grants one more instance beyond those in use, or says why not (a *Denied). A dry run spends nothing of the rate.
func (q *Quota) Ask(used int, dryRun bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if limit := q.effective(); used >= limit {
		return &Denied{Reason: QuotaExceeded, Used: used, Limit: limit}
	}
	if !dryRun && !q.limiter.Allow() {
		return &Denied{Reason: Throttled, Used: used, Limit: q.effective()}
	}
	return nil
}
