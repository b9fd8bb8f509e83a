package sample

import (
	"encoding/binary"
	"time"

	"github.com/gameday-toolkit/gameday/internal/varint"
)

// A block carries some samples of one probe through the journal, about nine bytes each. The intended start is not in
// it: Seq and the probe's Schedule give it back to the nanosecond.
//
//	| uvarint count | then for each sample:                                                         |
//	| varint seq - previous seq | uvarint started - intended | uvarint ended - started | class<<2|outcome |

// AppendBlock encodes samples, in any order of Seq.
func AppendBlock(dst []byte, samples []Sample) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(samples)))
	prev := uint64(0)
	for _, s := range samples {
		dst = binary.AppendVarint(dst, int64(s.Seq-prev))
		dst = binary.AppendUvarint(dst, uint64(max(0, s.Started-s.Intended)))
		dst = binary.AppendUvarint(dst, uint64(max(0, s.Ended-s.Started)))
		dst = append(dst, byte(s.Class)<<2|byte(s.Outcome))
		prev = s.Seq
	}
	return dst
}

// DecodeBlock calls yield for every sample of a block, until yield returns false. The error of a block that is not
// well-formed is varint.ErrMalformed.
func DecodeBlock(b []byte, sched Schedule, yield func(Sample) bool) error {
	r, seq := varint.Read(b), uint64(0)
	for count := r.Uvarint(); count > 0 && r.Err() == nil; count-- {
		seq += uint64(r.Varint())
		s := Sample{Seq: seq, Intended: sched.Intended(seq)}
		s.Started = s.Intended + time.Duration(r.Uvarint())
		s.Ended = s.Started + time.Duration(r.Uvarint())
		code := r.Byte()
		s.Class, s.Outcome = Class(code>>2), Outcome(code&3)
		if r.Err() == nil && !yield(s) {
			return nil
		}
	}
	return r.End()
}
