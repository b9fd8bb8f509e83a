package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A block carries some records of one ledger through the journal, about ten bytes each.
//
//	| uvarint count | then for each record:                                                                    |
//	| varint seq - previous seq | uvarint worker<<2|outcome | varint attempt - previous attempt | uvarint took |

// ErrBlock is the error of a block or a set that is not well-formed.
var ErrBlock = errors.New("record block is malformed")

// AppendBlock encodes records, in any order of Seq.
func AppendBlock(dst []byte, records []Record) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(records)))
	seq, attempt := uint64(0), time.Duration(0)
	for _, r := range records {
		dst = binary.AppendVarint(dst, int64(r.Seq-seq))
		dst = binary.AppendUvarint(dst, uint64(r.Worker)<<2|uint64(r.Outcome&3))
		dst = binary.AppendVarint(dst, int64(r.Attempt-attempt))
		dst = binary.AppendUvarint(dst, uint64(max(0, r.Acked-r.Attempt)))
		seq, attempt = r.Seq, r.Attempt
	}
	return dst
}

// DecodeBlock calls yield for every record of a block, until yield returns false.
func DecodeBlock(b []byte, yield func(Record) bool) error {
	d := decoder{b: b}
	var r Record
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		r.Seq += uint64(d.varint())
		code := d.uvarint()
		r.Worker, r.Outcome = uint16(code>>2), Outcome(code&3)
		r.Attempt += time.Duration(d.varint())
		r.Acked = r.Attempt + time.Duration(d.uvarint())
		if d.err == nil && !yield(r) {
			return nil
		}
	}
	return d.end()
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

func (d *decoder) take(n int) {
	if n <= 0 {
		d.err, d.b = ErrBlock, nil
		return
	}
	d.b = d.b[n:]
}

func (d *decoder) end() error {
	if d.err == nil && len(d.b) != 0 {
		return fmt.Errorf("%w: %d bytes too many", ErrBlock, len(d.b))
	}
	return d.err
}
