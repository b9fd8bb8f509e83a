package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

// The file solves these problems:
//
//   - The engine may be killed, and the power may fail, at any byte: whatever can be read is a true prefix of what was
//     written, never garbage. So every frame has its length and checksums of its own.
//   - A report is evidence. A changed, removed or inserted entry must show, and where. So every frame ends with a hash
//     over all that stands before it.
//   - A write that was cut off (harmless: the entry never happened) must not look like a changed file. So the length has a
//     checksum of its own: a length that is sound but runs past the end of the file is a torn write.
//   - Anything may be in the file by the time it is read. So a frame is bounded, and is checked before it is believed.
//
// The file (integers are little-endian):
//
//	| magic "gameday\n" 8 | version u32 | zero u32 | frame | frame | ...
//
// A frame:
//
//	| length u32 | crc32c(payload) u32 | crc32c(the 8 bytes before) u32 | payload, length bytes | chain 32 |
//	  chain = sha256(chain of the frame before || payload); before the first frame, sha256(file header)
//
// A payload:
//
//	| seq u64 | at i64, nanoseconds | k u8 | kind, k bytes | body, the rest |
//
// Sequence numbers start at 1 and have no gaps. Cutting whole frames off the end leaves a sound file: that a run ended is
// known from its run.ended entry, and not from the end of the file.
const (
	magic       = "gameday\n"
	version     = 1
	headerLen   = len(magic) + 8
	frameHead   = 12
	chainLen    = sha256.Size
	payloadHead = 8 + 8 + 1

	// MaxPayload bounds one entry: its kind and body and 17 bytes.
	MaxPayload = 16 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func fileHeader() []byte {
	b := append(make([]byte, 0, headerLen), magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	return binary.LittleEndian.AppendUint32(b, 0)
}

// appendFrame encodes one entry at the end of dst and gives back the chain that it ends with.
func appendFrame(dst []byte, chain [chainLen]byte, e Entry) ([]byte, [chainLen]byte) {
	start := len(dst)
	dst = append(dst, make([]byte, frameHead)...)
	dst = binary.LittleEndian.AppendUint64(dst, e.Seq)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.At))
	dst = append(dst, byte(len(e.Kind)))
	dst = append(dst, e.Kind...)
	dst = append(dst, e.Body...)

	payload := dst[start+frameHead:]
	head := dst[start:]
	binary.LittleEndian.PutUint32(head, uint32(len(payload)))
	binary.LittleEndian.PutUint32(head[4:], crc32.Checksum(payload, castagnoli))
	binary.LittleEndian.PutUint32(head[8:], crc32.Checksum(head[:8], castagnoli))
	chain = nextChain(chain, payload)
	return append(dst, chain[:]...), chain
}

func nextChain(chain [chainLen]byte, payload []byte) (next [chainLen]byte) {
	h := sha256.New()
	h.Write(chain[:])
	h.Write(payload)
	h.Sum(next[:0])
	return next
}

var errPayload = errors.New("the payload is malformed")

// decodePayload is the inverse of what appendFrame does to an entry. Body aliases payload.
func decodePayload(payload []byte) (Entry, error) {
	if len(payload) < payloadHead {
		return Entry{}, errPayload
	}
	k := int(payload[16])
	rest := payload[payloadHead:]
	if k == 0 || k > len(rest) {
		return Entry{}, errPayload
	}
	return Entry{
		Seq:  binary.LittleEndian.Uint64(payload),
		At:   time.Duration(binary.LittleEndian.Uint64(payload[8:])),
		Kind: Kind(rest[:k]),
		Body: rest[k:],
	}, nil
}

func isZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
