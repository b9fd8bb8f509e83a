package probe

// ring is a line of bounded length.
type ring struct {
	seqs        []uint64
	head, count int
}

func newRing(length int) *ring { return &ring{seqs: make([]uint64, length)} }

// push puts k at the end. With no room left, the first in line, which waited longest, is dropped for it.
func (r *ring) push(k uint64) (dropped uint64, drop bool) {
	if r.count == len(r.seqs) {
		dropped, drop = r.pop()
	}
	r.seqs[(r.head+r.count)%len(r.seqs)] = k
	r.count++
	return dropped, drop
}

func (r *ring) pop() (k uint64, ok bool) {
	if r.count == 0 {
		return 0, false
	}
	k = r.seqs[r.head]
	r.head = (r.head + 1) % len(r.seqs)
	r.count--
	return k, true
}
