package record

import (
	"encoding/binary"
	"time"

	"github.com/gameday-toolkit/gameday/internal/varint"
)

// A block carries some records of one ledger through the journal, about ten bytes each.
//
//	| uvarint count | then for each record:                                                                    |
//	| varint seq - previous seq | uvarint worker<<2|outcome | varint attempt - previous attempt | uvarint took |

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

// DecodeBlock calls yield for every record of a block, until yield returns false. The error of a block that is not
// well-formed is varint.ErrMalformed.
func DecodeBlock(b []byte, yield func(Record) bool) error {
	d := varint.Read(b)
	var r Record
	for n := d.Uvarint(); n > 0 && d.Err() == nil; n-- {
		r.Seq += uint64(d.Varint())
		code := d.Uvarint()
		r.Worker, r.Outcome = uint16(code>>2), Outcome(code&3)
		r.Attempt += time.Duration(d.Varint())
		r.Acked = r.Attempt + time.Duration(d.Uvarint())
		if d.Err() == nil && !yield(r) {
			return nil
		}
	}
	return d.End()
}
