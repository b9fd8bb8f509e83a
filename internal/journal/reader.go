package journal

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
)

// Ending says how a journal ends.
type Ending int

// The endings. After any of them the entries that were yielded are true.
const (
	// Whole: the file ends with a whole entry. (Whether the run ended is another question: see RunEnded.)
	Whole Ending = iota
	// Torn: the last write was cut off, by a crash or by a full disk. The entry that it held never happened.
	Torn
	// Tampered: an entry is not the one that was written. Nothing from there on can be believed.
	Tampered
)

var endingNames = [...]string{"whole", "torn", "tampered"}

func (e Ending) String() string { return endingNames[e] }

// End is where and how reading came to its end.
type End struct {
	Ending  Ending
	Entries uint64         // how many are sound
	Offset  int64          // the byte after the last sound entry
	Size    int64          // of the file
	Head    [chainLen]byte // the chain after the last sound entry: it identifies all that was read
	Detail  string         // what is wrong at Offset, and what to do
}

// ErrNotJournal is the error of a file that does not begin as a journal does.
var ErrNotJournal = errors.New("not a gameday journal")

// Reader reads a journal from its beginning, with the memory of one entry.
type Reader struct {
	name  string
	file  io.Closer
	in    *bufio.Reader
	buf   []byte
	chain [chainLen]byte
	off   int64
	seq   uint64
	end   End
	err   error
	done  bool
}

// Open begins to read a journal. A journal that is being written may be read; it then ends where it has come to.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the journal: %w", err), f.Close())
	}
	r, err := newReader(path, f, info.Size())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.file = f
	return r, nil
}

func newReader(name string, in io.Reader, size int64) (*Reader, error) {
	r := &Reader{name: name, in: bufio.NewReaderSize(in, 1<<18), end: End{Size: size}}
	head := make([]byte, headerLen)
	n, err := io.ReadFull(r.in, head)
	want := fileHeader()
	switch {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("reading %s: %w", name, err)
	case string(head[:n]) == string(want[:n]) && n < headerLen:
		r.stop(Torn, "the file ends within its header: the run stopped before its first entry")
		return r, nil
	case string(head[:len(magic)]) != magic:
		return nil, fmt.Errorf("reading %s: %w: it does not begin with %q", name, ErrNotJournal, magic)
	case string(head) != string(want):
		return nil, fmt.Errorf("reading %s: %w of version %d: this gameday reads version %d; use the one that wrote it",
			name, ErrNotJournal, binary.LittleEndian.Uint32(head[len(magic):]), version)
	}
	r.chain, r.off = sha256.Sum256(head), int64(headerLen)
	return r, nil
}

// Entries yields the entries. The Body of each is valid until the next is asked for.
func (r *Reader) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for {
			e, ok := r.next()
			if !ok || !yield(e) {
				return
			}
		}
	}
}

// End says how the reading ended, once Entries is exhausted. The error is that of a file that could not be read; what
// is wrong with its content is in End.
func (r *Reader) End() (End, error) {
	end := r.end
	end.Entries, end.Offset, end.Head = r.seq, r.off, r.chain
	return end, r.err
}

// Close closes the file.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Read calls visit for each entry of a journal, until it returns an error, and says how the journal ends.
func Read(path string, visit func(Entry) error) (End, error) {
	r, err := Open(path)
	if err != nil {
		return End{}, err
	}
	for e := range r.Entries() {
		if err = visit(e); err != nil {
			break
		}
	}
	end, readErr := r.End()
	return end, errors.Join(err, readErr, r.Close())
}

// next reads one frame, and believes it only when every check agrees.
func (r *Reader) next() (Entry, bool) {
	if r.done {
		return Entry{}, false
	}
	payload, ok := r.frame()
	if !ok {
		return Entry{}, false
	}
	e, err := decodePayload(payload)
	if err != nil || e.Seq != r.seq+1 {
		return r.tampered("its sequence number or kind is wrong")
	}
	r.chain = nextChain(r.chain, payload)
	r.seq++
	r.off += int64(frameHead + len(payload) + chainLen)
	return e, true
}

// frame reads the next frame and checks its checksums and chain.
func (r *Reader) frame() ([]byte, bool) {
	head := r.grow(frameHead)
	n, err := io.ReadFull(r.in, head)
	if n == 0 && errors.Is(err, io.EOF) {
		r.stop(Whole, "")
		return nil, false
	}
	if err != nil {
		return nil, r.cut(err)
	}
	length := int(binary.LittleEndian.Uint32(head))
	want := binary.LittleEndian.Uint32(head[4:])
	if crc32.Checksum(head[:8], castagnoli) != binary.LittleEndian.Uint32(head[8:]) || length < payloadHead || length > MaxPayload {
		return nil, r.broken("its header does not match its checksum")
	}
	b := r.grow(length + chainLen)
	if _, err := io.ReadFull(r.in, b); err != nil {
		return nil, r.cut(err)
	}
	payload, chain := b[:length], b[length:]
	next := nextChain(r.chain, payload)
	sound := crc32.Checksum(payload, castagnoli) == want
	switch {
	case sound && next == [chainLen]byte(chain):
		return payload, true
	case sound && zeroFrom(chain, next[:]), !sound && isZero(chain):
		return nil, r.broken("its hash does not follow from the entries before it")
	case sound:
		_, _ = r.tampered("its hash does not follow from the entries before it")
	default:
		_, _ = r.tampered("its content does not match its checksum")
	}
	return nil, false
}

// zeroFrom says whether got is what was to be written up to some byte, and zero from there on.
func zeroFrom(got, want []byte) bool {
	i := 0
	for i < len(got) && got[i] == want[i] {
		i++
	}
	return isZero(got[i:])
}

// grow gives n bytes of the buffer; what was in it is lost.
func (r *Reader) grow(n int) []byte {
	if cap(r.buf) < n {
		r.buf = make([]byte, n+n/4)
	}
	return r.buf[:n]
}

// cut handles a frame that runs past the end of the file, or a file that cannot be read.
func (r *Reader) cut(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.stop(Torn, fmt.Sprintf("%s: entry %d, at byte %d, was cut off while it was being written; "+
			"the entries before it are sound. Run `gameday recover` if the run did not end", r.name, r.seq+1, r.off))
		return false
	}
	r.err = fmt.Errorf("reading %s, entry %d at byte %d: %w", r.name, r.seq+1, r.off, err)
	r.done = true
	return false
}

// broken handles a frame that makes no sense. After a power failure a file may have grown without its data: a tail of
// nothing but zero bytes is such a torn write, and not the work of a person.
func (r *Reader) broken(what string) bool {
	buf := make([]byte, 1<<15)
	for {
		n, err := r.in.Read(buf)
		if !isZero(buf[:n]) {
			_, _ = r.tampered(what)
			return false
		}
		if err != nil {
			return r.cut(err)
		}
	}
}

func (r *Reader) tampered(what string) (Entry, bool) {
	r.stop(Tampered, fmt.Sprintf("%s: entry %d, at byte %d, is not what was written: %s. The entries before it are sound; "+
		"compare the file with a copy, or run the scenario again", r.name, r.seq+1, r.off, what))
	return Entry{}, false
}

func (r *Reader) stop(how Ending, detail string) {
	r.done, r.end.Ending, r.end.Detail = true, how, detail
}
