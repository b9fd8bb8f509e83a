package record

import "time"

// Outcome is how an attempt ended, as in Jepsen's histories.
type Outcome uint8

// The outcomes of MEASURES. The zero value is an attempt that was never recorded.
const (
	Missing Outcome = iota
	OK              // acknowledged
	Fail            // surely not applied
	Info            // unknown: a timeout, a lost connection
)

var outcomeNames = [...]string{"missing", "ok", "fail", "info"}

func (o Outcome) String() string { return outcomeNames[o&3] }

// Record is one attempt to write the record with number Seq. Times are offsets on the run's monotonic clock.
type Record struct {
	Seq     uint64
	Worker  uint16
	Attempt time.Duration // when the attempt began
	Acked   time.Duration // when it ended: for OK, when the acknowledgement was there
	Outcome Outcome
}
