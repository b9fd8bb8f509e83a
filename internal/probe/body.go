package probe

import (
	"errors"
	"io"
	"sync"
)

const (
	readLen  = 8 << 10
	maxBody  = 1 << 20 // as much of a body is looked at
	maxDrain = 8 << 20 // more is not read: the connection is dropped instead
)

// buffer holds what was read of a body.
type buffer struct {
	chunk [readLen]byte
	kept  []byte
}

type bufferPool struct{ pool *sync.Pool }

func newBufferPool() bufferPool {
	return bufferPool{&sync.Pool{New: func() any { return new(buffer) }}}
}

func (p bufferPool) get() *buffer { return p.pool.Get().(*buffer) }

func (p bufferPool) put(b *buffer) {
	if cap(b.kept) > 64<<10 { // one large answer must not stay for ever
		b.kept = nil
	}
	p.pool.Put(b)
}

// drain reads a body to its end, so that the connection can be used again, and returns the start of it if it is wanted.
// ended is false for one that is too long.
func (b *buffer) drain(body io.Reader, keep bool) (kept []byte, ended bool, err error) {
	b.kept = b.kept[:0]
	for total := 0; total < maxDrain; {
		n, err := body.Read(b.chunk[:])
		total += n
		if keep && len(b.kept) < maxBody {
			b.kept = append(b.kept, b.chunk[:n]...)
		}
		if errors.Is(err, io.EOF) {
			return b.kept, true, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
	return b.kept, false, nil
}
