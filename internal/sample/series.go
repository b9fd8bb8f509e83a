package sample

import (
	"iter"
	"time"
)

const chunkLen = 1 << 14

// Series holds all samples of one probe by place in the schedule, nine bytes each, so that a run of ten million
// samples fits into memory and needs no sorting. Samples may be added in any order.
type Series struct {
	Schedule Schedule
	chunks   []*chunk // nil where nothing was recorded
	n        uint64
}

type chunk struct {
	latency [chunkLen]int64
	code    [chunkLen]uint8
}

// maxGap bounds how far ahead of the others a sample may be, so that a corrupt sequence number cannot exhaust memory.
const maxGap = 1 << 26

// Add records a sample; it reports false, and records nothing, for one that is implausibly far ahead.
func (s *Series) Add(x Sample) bool {
	if x.Seq > s.n+maxGap {
		return false
	}
	at, i := x.Seq/chunkLen, x.Seq%chunkLen
	for at >= uint64(len(s.chunks)) {
		s.chunks = append(s.chunks, nil)
	}
	if s.chunks[at] == nil {
		s.chunks[at] = new(chunk)
	}
	c := s.chunks[at]
	c.latency[i], c.code[i] = int64(x.Latency()), byte(x.Class)<<2|byte(x.Outcome)
	s.n = max(s.n, x.Seq+1)
	return true
}

// Forget lets go of samples before sequence number k, in whole chunks: they are as if they had never been recorded. What
// watches a run that goes on for hours needs only the last minutes.
func (s *Series) Forget(k uint64) {
	for i := range min(k/chunkLen, uint64(len(s.chunks))) {
		s.chunks[i] = nil
	}
}

// Len is one more than the highest sequence number recorded.
func (s *Series) Len() uint64 { return s.n }

// At is the sample with sequence number k; its Outcome is Missing where none was recorded. Started is not kept and
// equals Intended.
func (s *Series) At(k uint64) Sample {
	x := Sample{Seq: k, Intended: s.Schedule.Intended(k)}
	x.Started = x.Intended
	if c, i := s.chunk(k), k%chunkLen; c != nil {
		x.Ended = x.Intended + time.Duration(c.latency[i])
		x.Class, x.Outcome = Class(c.code[i]>>2), Outcome(c.code[i]&3)
	}
	return x
}

// chunk is where sample k is kept; nil where no sample near it was recorded.
func (s *Series) chunk(k uint64) *chunk {
	if k >= s.n {
		return nil
	}
	return s.chunks[k/chunkLen]
}

// Between yields the recorded samples intended in [from, to), in the order of the schedule.
func (s *Series) Between(from, to time.Duration) iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		for k := s.Schedule.Seq(from); k < s.n; k++ {
			if s.chunk(k) == nil {
				k += chunkLen - k%chunkLen - 1 // nothing was recorded in all of it
				continue
			}
			x := s.At(k)
			if x.Intended >= to {
				return
			}
			if x.Outcome != Missing && !yield(x) {
				return
			}
		}
	}
}
