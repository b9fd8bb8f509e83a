package record

import (
	"encoding/binary"
	"fmt"

	"github.com/gameday-toolkit/gameday/internal/varint"
)

// A set of sequence numbers is written as its runs of consecutive numbers: a ledger that lost nothing takes three bytes.
//
//	| then for each run: uvarint numbers left out since the last run | uvarint length - 1 |

// AppendSeqs encodes the numbers below n that has reports.
func AppendSeqs(dst []byte, n uint64, has func(uint64) bool) []byte {
	end := uint64(0) // of the last run
	for k := uint64(0); k < n; k++ {
		if !has(k) {
			continue
		}
		first := k
		for k+1 < n && has(k+1) {
			k++
		}
		dst = binary.AppendUvarint(dst, first-end)
		dst = binary.AppendUvarint(dst, k-first)
		end = k + 1
	}
	return dst
}

// DecodeSeqs calls yield for each number of a set, in ascending order, until yield returns false. Numbers at or above
// limit are an error: the set is corrupt, and must not keep the caller busy.
func DecodeSeqs(b []byte, limit uint64, yield func(uint64) bool) error {
	d := varint.Read(b)
	for next := uint64(0); d.More(); {
		gap, length := d.Uvarint(), d.Uvarint()
		if d.Err() != nil {
			break
		}
		if gap > limit-next || length >= limit-next-gap {
			return fmt.Errorf("%w: a sequence number of %d or more", varint.ErrMalformed, limit)
		}
		for next += gap; ; next++ {
			if !yield(next) {
				return nil
			}
			if length == 0 {
				break
			}
			length--
		}
		next++
	}
	return d.End()
}
