package divert

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/netns"
)

// A diversion is one table of our own. It rewrites the address and the port of each packet by itself, and asks nobody what
// became of the packets before: there is no entry in the kernel's table of connections that could go on diverting a
// client with one long conversation after the rules are gone.
//
//	table inet gamedaydns-RUN-DIGEST {
//	    set there { type nf_proto; flags timeout; elements = { ipv4 timeout 3s, ipv6 timeout 3s } }
//	    set back  { the same }
//	    chain output     { type route hook output priority raw - 1;            # what this namespace asks itself
//	        ip daddr 10.0.0.53 udp dport 53 meta nfproto @there meta mark != OURS ip daddr set 10.0.0.1 udp dport set 41234 }
//	    chain prerouting { type filter hook prerouting priority raw - 1; ... } # what it is asked, or routes
//	    chain reply      { type filter hook output priority mangle - 1;
//	        ip saddr 10.0.0.1 udp sport 41234 meta nfproto @back ip saddr set 10.0.0.53 udp sport set 53 }
//	}
//
// Queries are rewritten before the kernel tracks connections, and answers after it has, so that to a firewall both are one
// conversation with the forwarder. While the fault stands somebody renews the timeouts. When nobody does any more, no rule
// matches, and the table without effect is all that is left.

// Prefix begins the name of every table of ours.
const Prefix = "gamedaydns-"

// Mark is on the forwarder's own packets, which pass.
const Mark = 0x67644e53

const (
	there = "there"
	back  = "back"
)

// Server is one server whose queries are led to the forwarder's address.
type Server struct {
	Addr  netip.Addr
	Local netip.AddrPort
}

// Table is one diversion in one namespace.
type Table struct {
	Name string
	// Comment is written on the rules, for people and for Find: at most 200 bytes.
	Comment string
	Servers []Server
	// Clients are the sources of queries; none means all.
	Clients []netip.Prefix
}

func (t Table) table() *nftables.Table {
	return &nftables.Table{Family: nftables.TableFamilyINet, Name: t.Name}
}

func (t Table) set(name string) *nftables.Set {
	id := uint32(1)
	if name == back {
		id = 2
	}
	return &nftables.Set{Table: t.table(), ID: id, Name: name, KeyType: nftables.TypeNFProto, HasTimeout: true}
}

func lives(timeout time.Duration) []nftables.SetElement {
	return []nftables.SetElement{
		{Key: []byte{unix.NFPROTO_IPV4}, Timeout: timeout}, {Key: []byte{unix.NFPROTO_IPV6}, Timeout: timeout},
	}
}

// connect talks to the nftables of a namespace.
func connect(ns *os.File) (*nftables.Conn, error) {
	own, err := netns.IsOwn(ns)
	if err != nil {
		return nil, err
	}
	if own {
		return nftables.New()
	}
	return nftables.New(nftables.WithNetNSFd(int(ns.Fd())))
}

// Build makes the table, armed for the timeout, in one transaction: it is there as a whole or not at all.
func (t Table) Build(ns *os.File, timeout time.Duration) error {
	c, err := connect(ns)
	if err != nil {
		return err
	}
	c.AddTable(t.table()) // so that deleting what an interrupted attempt left is no error
	c.DelTable(t.table())
	c.AddTable(t.table())
	if err := errors.Join(c.AddSet(t.set(there), lives(timeout)), c.AddSet(t.set(back), lives(timeout))); err != nil {
		return fmt.Errorf("building the table %s: %w", t.Name, err)
	}
	t.chains(c)
	if err := c.Flush(); err != nil {
		return fmt.Errorf("building the table %s: %w", t.Name, err)
	}
	return nil
}

// ErrLapsed means that the timeout has run out, or that the table is gone. What has lapsed is not wound up again: there was
// a time without it, and nobody could say how long.
var ErrLapsed = errors.New("the kernel has ended the fault already")

// Wind sets the timeouts anew. Older kernels keep the timeout of an element that is added again, so it is replaced, in one
// transaction that no packet sees the middle of.
func (t Table) Wind(ns *os.File, timeout time.Duration) error {
	c, err := connect(ns)
	if err != nil {
		return err
	}
	for _, name := range []string{there, back} {
		if err := errors.Join(c.SetDeleteElements(t.set(name), lives(0)), c.SetAddElements(t.set(name), lives(timeout))); err != nil {
			return fmt.Errorf("winding up %s: %w", t.Name, err)
		}
	}
	err = c.Flush()
	if errors.Is(err, unix.ENOENT) {
		return ErrLapsed
	}
	if err != nil {
		return fmt.Errorf("winding up %s: %w", t.Name, err)
	}
	return nil
}

// Halt leads no more queries to the forwarder. The answers to those that it has still find their way.
func (t Table) Halt(ns *os.File) error {
	c, err := connect(ns)
	if err != nil {
		return err
	}
	c.FlushSet(t.set(there))
	if err := c.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("emptying the table %s: %w", t.Name, err)
	}
	return nil
}

// Remove deletes the table. One that is not there is no error.
func (t Table) Remove(ns *os.File) error {
	c, err := connect(ns)
	if err != nil {
		return err
	}
	c.DelTable(t.table())
	if err := c.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("deleting the table %s: %w", t.Name, err)
	}
	return nil
}

// View is what the kernel shows of a table.
type View struct {
	// There says whether the table exists; Left is how long its rules still apply, zero if they do not.
	There bool
	Left  time.Duration
	// Packets is how many it has led to the forwarder.
	Packets uint64
	Comment string
}

// Look reads a table back.
func Look(ns *os.File, name string) (View, error) {
	names, err := Find(ns)
	if err != nil {
		return View{}, err
	}
	var v View
	for _, n := range names {
		v.There = v.There || n == name
	}
	if !v.There {
		return v, nil
	}
	c, err := connect(ns)
	if err != nil {
		return View{}, err
	}
	t := Table{Name: name}
	elements, err := c.GetSetElements(t.set(there))
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return View{}, fmt.Errorf("reading the timeouts of %s: %w", name, err)
	}
	for _, e := range elements {
		v.Left = max(v.Left, e.Expires)
	}
	return v, v.readRules(c, t)
}

func (v *View) readRules(c *nftables.Conn, t Table) error {
	for _, chain := range []string{output, prerouting} {
		rules, err := c.GetRules(t.table(), &nftables.Chain{Name: chain, Table: t.table()})
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("reading the rules of %s: %w", t.Name, err)
		}
		for _, r := range rules {
			if comment, ok := userdata.GetString(r.UserData, userdata.TypeComment); ok {
				v.Comment = comment
			}
			for _, e := range r.Exprs {
				if counter, ok := e.(*expr.Counter); ok {
					v.Packets += counter.Packets
				}
			}
		}
	}
	return nil
}

// Find lists the tables of ours in a namespace, whoever made them.
func Find(ns *os.File) ([]string, error) {
	c, err := connect(ns)
	if err != nil {
		return nil, err
	}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	var out []string
	for _, t := range tables {
		if strings.HasPrefix(t.Name, Prefix) {
			out = append(out, t.Name)
		}
	}
	return out, nil
}
