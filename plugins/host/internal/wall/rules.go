package wall

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"
)

// What happens to a packet that matches.
const (
	Drop   = "drop"
	Reject = "reject"
	// Class sends the packet into a class of a queueing discipline.
	Class = "class"
	// Police drops what is more than a rate, for all packets together.
	Police = "police"
	// Watch lets the packet pass: such a wall is the clock of a fault that is somewhere else.
	Watch = "watch"
)

// Rules say which packets, and what happens to them.
type Rules struct {
	// Peers are the addresses at the other end; none means all. Ports are at either end; none means all.
	Peers    []netip.Prefix `json:"peers,omitempty"`
	Ports    []uint16       `json:"ports,omitempty"`
	Protocol string         `json:"protocol,omitempty"` // tcp, udp, icmp or empty for all
	In       bool           `json:"in,omitempty"`
	Out      bool           `json:"out,omitempty"`
	// Interface is an index, or 0 for all.
	Interface uint32 `json:"interface,omitempty"`

	Action string `json:"action"`
	// Share of the packets, in hundredths of a percent, that are hit by chance. 0 means all.
	Share uint32 `json:"share,omitempty"`
	// Class is the handle of the class, for the action Class.
	Class uint32 `json:"class,omitempty"`
	// Rate is for the action Police, in bytes per second.
	Rate uint64 `json:"rate,omitempty"`

	// SpareSSH are the ports on which a server of SSH waits; its connections pass. SpareLoopback lets lo alone.
	SpareSSH      []uint16 `json:"spare_ssh,omitempty"`
	SpareLoopback bool     `json:"spare_loopback,omitempty"`
}

// hook is one chain, and the direction of the packets in it.
type hook struct {
	name string
	at   *nftables.ChainHook
	in   bool
}

func (r Rules) hooks() []hook {
	var out []hook
	if r.Action == Class { // after everything that might still change the packet's priority
		return []hook{{"postrouting", nftables.ChainHookPostrouting, false}}
	}
	if r.In {
		out = append(out, hook{"input", nftables.ChainHookInput, true}, hook{"forward_in", nftables.ChainHookForward, true})
	}
	if r.Out {
		out = append(out, hook{"output", nftables.ChainHookOutput, false}, hook{"forward_out", nftables.ChainHookForward, false})
	}
	return out
}

func (w Wall) chains(c *nftables.Conn) error {
	ports, err := addPorts(c, w.table(), 2, "ports", w.Rules.Ports)
	if err != nil {
		return err
	}
	ssh, err := addPorts(c, w.table(), 3, "ssh", w.Rules.SpareSSH)
	if err != nil {
		return err
	}
	w.police(c)
	accept := nftables.ChainPolicyAccept
	for _, h := range w.Rules.hooks() {
		chain := c.AddChain(&nftables.Chain{
			Name: h.name, Table: w.table(), Type: nftables.ChainTypeFilter, Hooknum: h.at,
			Priority: nftables.ChainPriorityRef(priority), Policy: &accept,
		})
		add := func(exprs []expr.Any) {
			c.AddRule(&nftables.Rule{
				Table: w.table(), Chain: chain, Exprs: exprs, UserData: userdata.AppendString(nil, userdata.TypeComment, w.Comment),
			})
		}
		for _, exprs := range w.Rules.spared(h, ssh) {
			add(exprs)
		}
		for _, exprs := range w.Rules.matches(h, w.set(), ports) {
			add(exprs)
		}
	}
	return nil
}

// policing is the name of the chain with the one limit that all packets share.
const policing = "police"

func (w Wall) police(c *nftables.Conn) {
	if w.Rules.Action != Police {
		return
	}
	chain := c.AddChain(&nftables.Chain{Name: policing, Table: w.table()})
	c.AddRule(&nftables.Rule{Table: w.table(), Chain: chain, Exprs: []expr.Any{
		&expr.Limit{Type: expr.LimitTypePktBytes, Rate: w.Rules.Rate, Unit: expr.LimitTimeSecond, Burst: burst(w.Rules.Rate), Over: true},
		&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop},
	}})
}

// burst is what may come at once, over and above one second's worth: nft_limit_init() in the kernel makes a bucket of
// bytes hold rate + burst. It is 100 ms worth of it, and no less than a few full packets.
func burst(rate uint64) uint32 { return uint32(min(math.MaxUint32, max(16<<10, rate/10))) }

func addPorts(c *nftables.Conn, t *nftables.Table, id uint32, name string, ports []uint16) (*nftables.Set, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	set := &nftables.Set{Table: t, ID: id, Name: name, KeyType: nftables.TypeInetService}
	var elements []nftables.SetElement
	for _, p := range ports {
		elements = append(elements, nftables.SetElement{Key: binaryutil.BigEndian.PutUint16(p)})
	}
	return set, c.AddSet(set, elements)
}

// spared are the rules that let a packet pass this table.
func (r Rules) spared(h hook, ssh *nftables.Set) [][]expr.Any {
	var out [][]expr.Any
	pass := &expr.Verdict{Kind: expr.VerdictAccept}
	if r.SpareLoopback {
		out = append(out, join(name(h.in, "lo"), []expr.Any{pass}))
	}
	if ssh != nil {
		// The server's port is where a packet goes on its way in, and where it comes from on its way out.
		out = append(out, join(protocol(unix.IPPROTO_TCP), port(h.in, ssh), []expr.Any{pass}))
	}
	if r.Action == Reject { // what says no must not be refused itself, or whoever knocks waits as if nobody were there
		for _, answer := range refusals() {
			out = append(out, join(answer, []expr.Any{pass}))
		}
	}
	return out
}

// refusals match the packets by which a rejection answers: a TCP reset, and the ICMP errors of end.
func refusals() [][]expr.Any {
	const tcpFlags, reset = 13, 0x04
	flags := []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: tcpFlags, Len: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{reset}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{0}},
	}
	typeAndCode := func(typ, code byte) []expr.Any {
		return []expr.Any{
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 2},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{typ, code}},
		}
	}
	return [][]expr.Any{
		join(protocol(unix.IPPROTO_TCP), flags),
		join(protocol(unix.IPPROTO_ICMP), typeAndCode(3, 13)),  // administratively filtered
		join(protocol(unix.IPPROTO_ICMPV6), typeAndCode(1, 1)), // administratively prohibited
	}
}

// matches are the rules that hit, one for each combination of peer, protocol and end of the port.
func (r Rules) matches(h hook, living, ports *nftables.Set) [][]expr.Any {
	base := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Lookup{SourceRegister: 1, SetName: living.Name, SetID: living.ID},
	}
	if r.Interface != 0 {
		base = join(base, index(h.in, r.Interface))
	}
	peers := [][]expr.Any{nil}
	if len(r.Peers) > 0 {
		peers = nil
		for _, p := range r.Peers {
			peers = append(peers, peer(h.in, p))
		}
	}
	var out [][]expr.Any
	for _, p := range peers {
		for _, s := range r.services(ports) {
			for _, end := range r.end() {
				out = append(out, join(base, p, s, end))
			}
		}
	}
	return out
}

// services match the protocol and the ports.
func (r Rules) services(ports *nftables.Set) [][]expr.Any {
	var protocols []byte
	switch r.Protocol {
	case "tcp":
		protocols = []byte{unix.IPPROTO_TCP}
	case "udp":
		protocols = []byte{unix.IPPROTO_UDP}
	case "icmp":
		protocols = []byte{unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6}
	default:
		if ports == nil {
			return [][]expr.Any{nil}
		}
		protocols = []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP}
	}
	var out [][]expr.Any
	for _, p := range protocols {
		if ports == nil {
			out = append(out, protocol(p))
			continue
		}
		out = append(out, join(protocol(p), port(true, ports)), join(protocol(p), port(false, ports)))
	}
	return out
}

// end is what happens to the packet. A rejection needs two rules, because TCP has an answer of its own.
func (r Rules) end() [][]expr.Any {
	var begin []expr.Any
	if r.Share > 0 {
		begin = chance(r.Share)
	}
	begin = append(begin, &expr.Counter{})
	switch r.Action {
	case Class:
		return [][]expr.Any{join(begin, []expr.Any{
			&expr.Immediate{Register: 1, Data: binaryutil.NativeEndian.PutUint32(r.Class)},
			&expr.Meta{Key: expr.MetaKeyPRIORITY, SourceRegister: true, Register: 1},
		})}
	case Police:
		return [][]expr.Any{append(begin, &expr.Verdict{Kind: expr.VerdictJump, Chain: policing})}
	case Watch:
		return [][]expr.Any{begin}
	case Reject:
		return [][]expr.Any{
			join(protocol(unix.IPPROTO_TCP), begin, []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}}),
			join(begin, []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED}}),
		}
	}
	return [][]expr.Any{append(begin, &expr.Verdict{Kind: expr.VerdictDrop})}
}

// chance matches a share of the packets, in hundredths of a percent.
func chance(share uint32) []expr.Any {
	return []expr.Any{
		&expr.Numgen{Register: 1, Modulus: 10_000, Type: unix.NFT_NG_RANDOM},
		&expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: 4, Size: 4},
		&expr.Cmp{Op: expr.CmpOpLt, Register: 1, Data: binaryutil.BigEndian.PutUint32(share)},
	}
}

func join(parts ...[]expr.Any) []expr.Any {
	var out []expr.Any
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// name matches the interface that a packet came in by, or goes out by.
func name(in bool, ifname string) []expr.Any {
	key := expr.MetaKeyOIFNAME
	if in {
		key = expr.MetaKeyIIFNAME
	}
	data := make([]byte, unix.IFNAMSIZ)
	copy(data, ifname)
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data}}
}

// index does too, and does not match an interface that got the same name later.
func index(in bool, ifindex uint32) []expr.Any {
	key := expr.MetaKeyOIF
	if in {
		key = expr.MetaKeyIIF
	}
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.NativeEndian.PutUint32(ifindex)}}
}

func protocol(number byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{number}}}
}

// port matches the destination's port or the source's.
func port(destination bool, set *nftables.Set) []expr.Any {
	var offset uint32
	if destination {
		offset = 2
	}
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2},
		&expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID},
	}
}

// peer matches the address at the other end: the source of what comes in, the destination of what goes out.
func peer(in bool, p netip.Prefix) []expr.Any {
	family, offset, length := byte(unix.NFPROTO_IPV4), uint32(16), uint32(4)
	if in {
		offset = 12
	}
	if p.Addr().Is6() {
		family, offset, length = unix.NFPROTO_IPV6, 24, 16
		if in {
			offset = 8
		}
	}
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{family}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: length, Mask: mask(p), Xor: make([]byte, length)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: p.Masked().Addr().AsSlice()},
	}
}

func mask(p netip.Prefix) []byte {
	out := make([]byte, len(p.Addr().AsSlice()))
	for i := range p.Bits() {
		out[i/8] |= 0x80 >> (i % 8)
	}
	return out
}

// String says it to people.
func (r Rules) String() string {
	what := "packets"
	if r.Protocol != "" {
		what = r.Protocol + " " + what
	}
	if len(r.Ports) > 0 {
		what += fmt.Sprintf(" of port %v", r.Ports)
	}
	switch {
	case r.In && r.Out:
		what += " in and out"
	case r.In:
		what += " in"
	default:
		what += " out"
	}
	if len(r.Peers) > 0 {
		what += fmt.Sprintf(", peers %v", r.Peers)
	}
	return what
}
