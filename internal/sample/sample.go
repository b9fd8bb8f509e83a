package sample

import (
	"math"
	"time"
)

// Outcome is what a sample counts as. The zero value is a sample that was never recorded.
type Outcome uint8

// The outcomes of MEASURES.
const (
	Missing Outcome = iota // not in the journal: counts as nothing
	Good                   // met the expectation, within the latency limit measured from Intended
	Bad                    // wrong answer, error, timeout, or too late; see Class
	Unsent                 // the prober could not send in time: the prober's fault, not the target's
)

// Class says why a sample is bad or unsent.
type Class uint8

// The classes. NoSlot and Late go with Unsent, the others with Bad.
const (
	NoClass Class = iota
	Refused
	Reset
	Timeout
	DNS
	TLS
	Status
	Body
	Slow
	Other
	NoSlot
	Late
	numClasses
)

var (
	outcomeNames = [...]string{"missing", "good", "bad", "unsent"}
	classNames   = [numClasses]string{"", "refused", "reset", "timeout", "dns", "tls", "status", "body", "slow", "other", "no slot", "late"}
)

func (o Outcome) String() string { return outcomeNames[o&3] }

func (c Class) String() string {
	if c >= numClasses {
		return "unknown"
	}
	return classNames[c]
}

// ParseClass is the inverse of String; a name that is not a class is Other.
func ParseClass(name string) Class {
	for i, n := range classNames {
		if n == name {
			return Class(i)
		}
	}
	return Other
}

// Sample is one question asked of the system. Times are offsets on the run's monotonic clock.
type Sample struct {
	Seq      uint64 // k: the place in the schedule
	Intended time.Duration
	Started  time.Duration
	Ended    time.Duration
	Outcome  Outcome
	Class    Class
}

// Latency is what a user would have waited: from the intended start, so that a stalled prober or target hides nothing
// (Tene, "How NOT to Measure Latency").
func (s Sample) Latency() time.Duration { return s.Ended - s.Intended }

// Schedule is the open schedule of a probe: sample k is intended at Phase + k/Rate, whatever happened to those before.
type Schedule struct {
	Phase time.Duration `json:"phase"`
	Rate  float64       `json:"rate"` // per second
}

// Intended is the intended start of sample k, rounded to the nanosecond.
func (s Schedule) Intended(k uint64) time.Duration {
	return s.Phase + time.Duration(math.Round(float64(k)*1e9/s.Rate))
}

// Interval is the time between two samples: the resolution of whatever is measured with them.
func (s Schedule) Interval() time.Duration { return time.Duration(math.Round(1e9 / s.Rate)) }

// Seq is the first sample intended at or after t.
func (s Schedule) Seq(t time.Duration) uint64 {
	if t <= s.Phase {
		return 0
	}
	k := uint64(math.Ceil(float64(t-s.Phase) * s.Rate / 1e9))
	for k > 0 && s.Intended(k-1) >= t { // rounding may have carried us one too far
		k--
	}
	for s.Intended(k) < t {
		k++
	}
	return k
}
