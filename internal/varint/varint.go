// Package varint reads the variable-length numbers of a block, and remembers the first thing that was wrong with it.
package varint

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is the error of bytes that are not what their writer wrote.
var ErrMalformed = errors.New("malformed block")

// Reader reads numbers from the front of a block. After the first error every read gives zero.
type Reader struct {
	b   []byte
	err error
}

// Read starts at the beginning of b.
func Read(b []byte) *Reader { return &Reader{b: b} }

// Uvarint reads an unsigned number.
func (r *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.take(n)
	return v
}

// Varint reads a signed number.
func (r *Reader) Varint() int64 {
	v, n := binary.Varint(r.b)
	r.take(n)
	return v
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.b) == 0 {
		r.err = ErrMalformed
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *Reader) take(n int) {
	if n <= 0 {
		r.err, r.b = ErrMalformed, nil
		return
	}
	r.b = r.b[n:]
}

// More says whether there is something left to read.
func (r *Reader) More() bool { return r.err == nil && len(r.b) > 0 }

// Err is the first thing that was wrong.
func (r *Reader) Err() error { return r.err }

// End is Err, or says that the block goes on where it should have ended.
func (r *Reader) End() error {
	if r.More() {
		return fmt.Errorf("%w: %d bytes too many", ErrMalformed, len(r.b))
	}
	return r.err
}
