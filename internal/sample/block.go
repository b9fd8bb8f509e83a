package sample

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A block carries some samples of one probe through the journal, about nine bytes each. The intended start is not in
// it: Seq and the probe's Schedule give it back to the nanosecond.
//
//	| uvarint count | then for each sample:                                                         |
//	| varint seq - previous seq | uvarint started - intended | uvarint ended - started | class<<2|outcome |

// ErrBlock is the error of a block that is not well-formed.
var ErrBlock = errors.New("sample block is malformed")

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

// DecodeBlock calls yield for every sample of a block, until yield returns false.
func DecodeBlock(b []byte, sched Schedule, yield func(Sample) bool) error {
	d := decoder{b: b}
	count := d.uvarint()
	seq := uint64(0)
	for i := uint64(0); i < count && d.err == nil; i++ {
		seq += uint64(d.varint())
		s := Sample{Seq: seq, Intended: sched.Intended(seq)}
		s.Started = s.Intended + time.Duration(d.uvarint())
		s.Ended = s.Started + time.Duration(d.uvarint())
		code := d.byte()
		s.Class, s.Outcome = Class(code>>2), Outcome(code&3)
		if d.err == nil && !yield(s) {
			return nil
		}
	}
	if d.err == nil && len(d.b) != 0 {
		return fmt.Errorf("%w: %d bytes too many", ErrBlock, len(d.b))
	}
	return d.err
}

type decoder struct {
	b   []byte
	err error
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.take(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	d.take(n)
	return v
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.err = ErrBlock
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) take(n int) {
	if n <= 0 {
		d.err, d.b = ErrBlock, nil
		return
	}
	d.b = d.b[n:]
}
