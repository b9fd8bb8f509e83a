package rule

import (
	"encoding/binary"
	"net/netip"

	"github.com/miekg/dns"
)

// Query is what a rule chooses by.
type Query struct {
	Name   string
	Type   uint16
	Client netip.Addr
	TCP    bool
	// Raw is the whole message, as it came.
	Raw []byte
}

const (
	headerLen  = 12
	flagQR     = 0x8000
	maskOpcode = 0x7800
)

// Read finds the question of a message. What is no ordinary query with one question matches no rule, and is passed on as
// it is.
func Read(raw []byte, client netip.Addr, tcp bool) (Query, bool) {
	q := Query{Client: client.Unmap(), TCP: tcp, Raw: raw}
	if len(raw) < headerLen || binary.BigEndian.Uint16(raw[2:])&(flagQR|maskOpcode) != 0 || binary.BigEndian.Uint16(raw[4:]) != 1 {
		return q, false
	}
	name, at, err := dns.UnpackDomainName(raw, headerLen)
	if err != nil || len(raw) < at+4 {
		return q, false
	}
	q.Name, q.Type = name, binary.BigEndian.Uint16(raw[at:])
	return q, true
}
