package tracked

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// A message is nlmsghdr, nfgenmsg and attributes, as linux/netfilter/nfnetlink_conntrack.h numbers them:
//
//	CTA_TUPLE_ORIG 1 { CTA_TUPLE_IP 1 { CTA_IP_V4_SRC 1, CTA_IP_V4_DST 2 }, CTA_TUPLE_PROTO 2 { CTA_PROTO_NUM 1 } }
//	CTA_TUPLE_REPLY 2, CTA_STATUS 3, CTA_TIMEOUT 7
//
// What is nested is of the order of this host, and every number in an attribute of the network's.
const (
	subsystem = 1 // NFNL_SUBSYS_CTNETLINK
	opNew     = 0
	opGet     = 1
	opDelete  = 2
	opStats   = 5 // IPCTNL_MSG_CT_GET_STATS

	tupleOrig, tupleReply, status, timeout = 1, 2, 3, 7
	tupleIP, tupleProto                    = 1, 2
	source, destination                    = 1, 2
	protoNum                               = 1
	statsEntries, statsMax                 = 1, 2

	// held is IPS_CONFIRMED, IPS_ASSURED and IPS_SEEN_REPLY: an entry that is not assured makes room for others when the
	// table is full.
	held = 8 | 4 | 2

	headers = unix.NLMSG_HDRLEN + 4 // nfgenmsg has four bytes
)

// Protocol is that of our entries: a number for experiments (RFC 3692).
const Protocol = 253

func message(op, flags uint16, seq uint32, attrs []byte) []byte {
	b := make([]byte, headers, headers+len(attrs))
	binary.NativeEndian.PutUint32(b, uint32(headers+len(attrs)))
	binary.NativeEndian.PutUint16(b[4:], subsystem<<8|op)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|flags)
	binary.NativeEndian.PutUint32(b[8:], seq)
	b[unix.NLMSG_HDRLEN] = unix.AF_INET
	return append(b, attrs...)
}

// acknowledged has the kernel answer a message in any case, under a number.
func acknowledged(b []byte, seq uint32) {
	binary.NativeEndian.PutUint16(b[6:], binary.NativeEndian.Uint16(b[6:])|unix.NLM_F_ACK)
	binary.NativeEndian.PutUint32(b[8:], seq)
}

func attribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.NLA_HDRLEN+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, -len(value)&3)...)
}

func nested(b []byte, kind uint16, value []byte) []byte {
	return attribute(b, kind|unix.NLA_F_NESTED, value)
}

func number(b []byte, kind uint16, value uint32) []byte {
	return attribute(b, kind, binary.BigEndian.AppendUint32(nil, value))
}

// Where the addresses are in what tuple writes: behind the headers of the tuple, of the IP part and of the address.
const (
	toSource      = 3 * unix.NLA_HDRLEN
	toDestination = 4*unix.NLA_HDRLEN + 4
)

func tuple(b []byte, kind uint16, from, to uint32) []byte {
	ip := number(number(nil, source, from), destination, to)
	return nested(b, kind, nested(nested(nil, tupleIP, ip), tupleProto, attribute(nil, protoNum, []byte{Protocol})))
}

// attributes finds the values by kind. What does not make sense ends it.
func attributes(b []byte) map[uint16][]byte {
	out := map[uint16][]byte{}
	for len(b) >= unix.NLA_HDRLEN {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.NLA_HDRLEN || n > len(b) {
			break
		}
		out[binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)] = b[unix.NLA_HDRLEN:n]
		b = b[min(len(b), (n+3)&^3):]
	}
	return out
}

func asNumber(value []byte) (n uint32, ok bool) {
	if len(value) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(value), true
}

// entry reads the addresses of an entry in a dump; false for one that cannot be of ours.
func entry(attrs []byte) (from, to uint32, ok bool) {
	t := attributes(attributes(attrs)[tupleOrig])
	ip, proto := attributes(t[tupleIP]), attributes(t[tupleProto])[protoNum]
	from, okFrom := asNumber(ip[source])
	to, okTo := asNumber(ip[destination])
	return from, to, okFrom && okTo && len(proto) == 1 && proto[0] == Protocol
}
