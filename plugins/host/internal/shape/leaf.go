package shape

import (
	"math"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The kinds of leaf.
const (
	TBF   = "tbf"
	Netem = "netem"
)

// Leaf is the queue that does it.
type Leaf struct {
	Kind string `json:"kind"`
	// Rate is for tbf, in bytes per second.
	Rate uint64 `json:"rate,omitempty"`
	// The rest is for netem. The shares are in percent of the packets.
	Delay     time.Duration `json:"delay,omitempty"`
	Jitter    time.Duration `json:"jitter,omitempty"`
	Corrupt   float64       `json:"corrupt,omitempty"`
	Duplicate float64       `json:"duplicate,omitempty"`
}

const (
	// burst is how many bytes tbf lets through at once: a full packet of the largest kind that a kernel hands to a queue.
	burst = 64 << 10
	// patience is how much tbf may hold back before it drops, in time.
	patience = 400 * time.Millisecond
	// held is how many packets netem may hold back: a second of a fast link.
	held = 100_000
)

func (l Leaf) add(h *netlink.Handle, index int, parent uint32) error {
	if l.Kind == TBF {
		return h.QdiscAdd(&netlink.Tbf{
			QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index, Parent: parent}, Rate: l.Rate,
			Buffer: netlink.Xmittime(l.Rate, burst), Limit: uint32(min(math.MaxUint32, burst+l.Rate*uint64(patience)/uint64(time.Second))),
		})
	}
	_, err := l.netem(index, parent).Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// netem is the message that adds a queue netem: struct tcmsg, the kind, and struct tc_netem_qopt with the attribute of
// corruption after it, as linux/pkt_sched.h has them.
func (l Leaf) netem(index int, parent uint32) *nl.NetlinkRequest {
	req := nl.NewNetlinkRequest(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	req.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(index), Parent: parent})
	req.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated(Netem)))
	opt := nl.TcNetemQopt{Latency: ticks(l.Delay), Jitter: ticks(l.Jitter), Limit: held, Duplicate: share(l.Duplicate)}
	options := nl.NewRtAttr(nl.TCA_OPTIONS, opt.Serialize())
	if l.Corrupt > 0 {
		corrupt := nl.TcNetemCorrupt{Probability: share(l.Corrupt)}
		options.AddRtAttr(nl.TCA_NETEM_CORRUPT, corrupt.Serialize())
	}
	req.AddData(options)
	return req
}

// ticks is a time as the kernel's packet scheduler counts it.
func ticks(d time.Duration) uint32 {
	return uint32(min(float64(d)/float64(time.Microsecond)*netlink.TickInUsec(), math.MaxUint32))
}

// share is a percentage of the largest number that a random generator of 32 bits gives.
func share(percent float64) uint32 { return uint32(percent / 100 * math.MaxUint32) }
