package divert

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"
)

// The chains, and where they stand.
const (
	output     = "output"
	prerouting = "prerouting"
	reply      = "reply"

	early = -301 // before connections are tracked
	late  = -151 // after
)

// port of DNS.
const port = 53

func (t Table) chains(c *nftables.Conn) {
	accept := nftables.ChainPolicyAccept
	chain := func(name string, kind nftables.ChainType, at *nftables.ChainHook, priority nftables.ChainPriority, rules [][]expr.Any) {
		made := c.AddChain(&nftables.Chain{
			Name: name, Table: t.table(), Type: kind, Hooknum: at, Priority: nftables.ChainPriorityRef(priority), Policy: &accept,
		})
		for _, exprs := range rules {
			c.AddRule(&nftables.Rule{
				Table: t.table(), Chain: made, Exprs: exprs, UserData: userdata.AppendString(nil, userdata.TypeComment, t.Comment),
			})
		}
	}
	// A chain of type route has the kernel look again for the way of a packet whose destination has changed.
	chain(output, nftables.ChainTypeRoute, nftables.ChainHookOutput, early, t.questions())
	chain(prerouting, nftables.ChainTypeFilter, nftables.ChainHookPrerouting, early, t.questions())
	chain(reply, nftables.ChainTypeFilter, nftables.ChainHookOutput, late, t.answers())
}

// questions lead what is sent to a server to the forwarder.
func (t Table) questions() (out [][]expr.Any) {
	for _, s := range t.Servers {
		for _, p := range protocols() {
			for _, from := range t.sources(s.Addr.Is4()) {
				out = append(out, join(
					family(s.Addr), t.alive(there), address(s.Addr, destination), transport(p), ports(port, destination), others(), from,
					[]expr.Any{&expr.Counter{}}, rewrite(s.Local, p, destination),
				))
			}
		}
	}
	return out
}

// answers make what the forwarder says come from the server that was asked.
func (t Table) answers() (out [][]expr.Any) {
	for _, s := range t.Servers {
		for _, p := range protocols() {
			out = append(out, join(
				family(s.Addr), t.alive(back), address(s.Local.Addr(), source), transport(p), ports(s.Local.Port(), source),
				rewrite(netip.AddrPortFrom(s.Addr, port), p, source),
			))
		}
	}
	return out
}

func protocols() []byte { return []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP} }

// end is which end of a packet is meant.
type end int

const (
	source end = iota
	destination
)

// network is where the address of one end is in the header of a family.
func network(a netip.Addr, e end) (offset, length uint32) {
	if a.Is4() {
		return 12 + 4*uint32(e), 4
	}
	return 8 + 16*uint32(e), 16
}

func family(a netip.Addr) []expr.Any {
	number := byte(unix.NFPROTO_IPV6)
	if a.Is4() {
		number = unix.NFPROTO_IPV4
	}
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, equals([]byte{number})}
}

// alive looks the family, which is in the register, up in a set with timeouts.
func (t Table) alive(set string) []expr.Any {
	s := t.set(set)
	return []expr.Any{&expr.Lookup{SourceRegister: 1, SetName: s.Name, SetID: s.ID}}
}

func address(a netip.Addr, e end) []expr.Any {
	offset, length := network(a, e)
	return []expr.Any{&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length}, equals(a.AsSlice())}
}

func transport(protocol byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, equals([]byte{protocol})}
}

func ports(number uint16, e end) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2 * uint32(e), Len: 2}, equals(binaryutil.BigEndian.PutUint16(number)),
	}
}

// others are packets that are not the forwarder's own.
func others() []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: binaryutil.NativeEndian.PutUint32(Mark)},
	}
}

// sources match the clients of a family: one alternative for each, or one that matches all.
func (t Table) sources(v4 bool) [][]expr.Any {
	if len(t.Clients) == 0 {
		return [][]expr.Any{nil}
	}
	var out [][]expr.Any
	for _, p := range t.Clients {
		if p.Addr().Is4() != v4 {
			continue
		}
		offset, length := network(p.Addr(), source)
		out = append(out, []expr.Any{
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: length, Mask: mask(p), Xor: make([]byte, length)},
			equals(p.Masked().Addr().AsSlice()),
		})
	}
	return out
}

func mask(p netip.Prefix) []byte {
	out := make([]byte, len(p.Addr().AsSlice()))
	for i := range p.Bits() {
		out[i/8] |= 0x80 >> (i % 8)
	}
	return out
}

// rewrite sets the address and the port of one end, and every checksum that covers them.
func rewrite(to netip.AddrPort, protocol byte, e end) []expr.Any {
	offset, length := network(to.Addr(), e)
	ip := &expr.Payload{
		OperationType: expr.PayloadWrite, SourceRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length,
		CsumFlags: unix.NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
	}
	if to.Addr().Is4() { // IPv6 has no checksum of its own
		ip.CsumType, ip.CsumOffset = expr.CsumTypeInet, 10
	}
	sum := uint32(6) // where UDP has its checksum
	if protocol == unix.IPPROTO_TCP {
		sum = 16
	}
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: to.Addr().AsSlice()}, ip,
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(to.Port())},
		&expr.Payload{
			OperationType: expr.PayloadWrite, SourceRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2 * uint32(e), Len: 2,
			CsumType: expr.CsumTypeInet, CsumOffset: sum,
		},
	}
}

func equals(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data} }

func join(parts ...[]expr.Any) []expr.Any {
	var out []expr.Any
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
