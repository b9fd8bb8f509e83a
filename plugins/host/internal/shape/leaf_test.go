package shape

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
)

// Kernels without netem are common, this project's own machine among them, so the message is read back here byte by byte
// as linux/rtnetlink.h and linux/pkt_sched.h lay it out.
func TestTheMessageForNetem(t *testing.T) {
	l := Leaf{Kind: Netem, Delay: 80 * time.Millisecond, Jitter: 10 * time.Millisecond, Duplicate: 50, Corrupt: 25}
	raw := l.netem(7, 0x40010002).Serialize()
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(raw[at:]) }
	u16 := func(at int) uint16 { return binary.NativeEndian.Uint16(raw[at:]) }

	require.Equal(t, uint32(len(raw)), u32(0))
	require.Equal(t, uint16(36), u16(4), "RTM_NEWQDISC")
	require.Equal(t, uint16(0x605), u16(6), "REQUEST, ACK, EXCL, CREATE: never REPLACE")
	const tcmsg = 16
	require.Equal(t, uint32(7), u32(tcmsg+4), "tcm_ifindex")
	require.Equal(t, uint32(0), u32(tcmsg+8), "tcm_handle: the kernel's choice")
	require.Equal(t, uint32(0x40010002), u32(tcmsg+12), "tcm_parent")
	const kind = tcmsg + 20
	require.Equal(t, []uint16{4 + 6, 1}, []uint16{u16(kind), u16(kind + 2)}, "TCA_KIND")
	require.Equal(t, "netem\x00", string(raw[kind+4:kind+10]))
	const options = kind + 12
	require.Equal(t, []uint16{4 + 24 + 12, 2}, []uint16{u16(options), u16(options + 2)}, "TCA_OPTIONS")
	const qopt = options + 4
	tick := netlink.TickInUsec()
	require.Equal(t, uint32(80_000*tick), u32(qopt), "latency")
	require.Equal(t, uint32(100_000), u32(qopt+4), "limit")
	require.Equal(t, uint32(0), u32(qopt+8), "loss")
	require.Equal(t, uint32(0), u32(qopt+12), "gap")
	require.Equal(t, uint32(1<<31-1), u32(qopt+16), "duplicate")
	require.Equal(t, uint32(10_000*tick), u32(qopt+20), "jitter")
	const corrupt = qopt + 24
	require.Equal(t, []uint16{4 + 8, 4}, []uint16{u16(corrupt), u16(corrupt + 2)}, "TCA_NETEM_CORRUPT")
	require.Equal(t, uint32(1<<30-1), u32(corrupt+4), "probability")
	require.Len(t, raw, corrupt+12)
}
