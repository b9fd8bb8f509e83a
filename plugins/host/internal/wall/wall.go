package wall

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/netns"
)

// A wall is one table of our own. Its first match, in every rule, is a look into a set that holds the two families of
// addresses, each with a timeout:
//
//	table inet gameday-RUN-DIGEST {
//	    set alive { type nf_proto; flags timeout; elements = { ipv4 timeout 5s, ipv6 timeout 5s } }
//	    chain input { type filter hook input priority filter - 10;
//	        iifname "lo" accept
//	        meta nfproto @alive ip saddr 10.1.0.0/16 counter drop comment "gameday ..." }
//	}
//
// While the fault stands somebody renews the timeouts. When nobody does any more, because every process of ours is dead,
// the kernel removes the elements, no rule matches, and the network is as it was. The empty table is all that is left.

// Prefix begins the name of every table of ours.
const Prefix = "gameday-"

// alive is the name of the set.
const alive = "alive"

// priority puts the chains just before the usual filters. The verdict of drop is final wherever it falls.
const priority = -10

// Wall is one table in one namespace.
type Wall struct {
	Name  string
	Rules Rules
	// Comment is written on the rules, for people and for Find: at most 200 bytes.
	Comment string
}

func (w Wall) table() *nftables.Table {
	return &nftables.Table{Family: nftables.TableFamilyINet, Name: w.Name}
}

func (w Wall) set() *nftables.Set {
	return &nftables.Set{Table: w.table(), ID: 1, Name: alive, KeyType: nftables.TypeNFProto, HasTimeout: true}
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
	var opts []nftables.ConnOption
	if !own {
		opts = append(opts, nftables.WithNetNSFd(int(ns.Fd())))
	}
	return nftables.New(opts...)
}

// Build makes the table with all its rules, armed for the timeout, in one transaction: it is there as a whole or not at all.
func (w Wall) Build(ns *os.File, timeout time.Duration) error {
	c, err := connect(ns)
	if err != nil {
		return err
	}
	c.AddTable(w.table()) // so that deleting what an interrupted attempt left is no error
	c.DelTable(w.table())
	c.AddTable(w.table())
	if err := c.AddSet(w.set(), lives(timeout)); err != nil {
		return fmt.Errorf("building the table %s: %w", w.Name, err)
	}
	if err := w.chains(c); err != nil {
		return fmt.Errorf("building the table %s: %w", w.Name, err)
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("building the table %s: %w", w.Name, err)
	}
	return nil
}

// ErrLapsed means that the timeout has run out, or that the table is gone. A wall that has lapsed is not wound up again:
// there was a time without it, and nobody could say how long.
var ErrLapsed = errors.New("the kernel has ended the fault already")

// Wind sets the timeout anew. Older kernels keep the timeout of an element that is added again, so it is replaced, in one
// transaction that no packet sees the middle of.
func (w Wall) Wind(ns *os.File, timeout time.Duration) error {
	c, err := connect(ns)
	if err != nil {
		return err
	}
	if err := errors.Join(c.SetDeleteElements(w.set(), lives(0)), c.SetAddElements(w.set(), lives(timeout))); err != nil {
		return fmt.Errorf("winding up %s: %w", w.Name, err)
	}
	err = c.Flush()
	if errors.Is(err, unix.ENOENT) {
		return ErrLapsed
	}
	if err != nil {
		return fmt.Errorf("winding up %s: %w", w.Name, err)
	}
	return nil
}

// Remove deletes the table. One that is not there is no error.
func (w Wall) Remove(ns *os.File) error {
	c, err := connect(ns)
	if err != nil {
		return err
	}
	c.DelTable(w.table())
	if err := c.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("deleting the table %s: %w", w.Name, err)
	}
	return nil
}

// View is what the kernel shows of a wall.
type View struct {
	// There says whether the table exists; Left is how long its rules still apply, zero if they do not.
	There bool
	Left  time.Duration
	// Packets is how many of them the fault has hit.
	Packets uint64
	// Comment is what is written on the rules.
	Comment string
}

// Look reads the table back.
func Look(ns *os.File, name string) (View, error) {
	c, err := connect(ns)
	if err != nil {
		return View{}, err
	}
	w := Wall{Name: name}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return View{}, fmt.Errorf("listing the tables: %w", err)
	}
	var v View
	for _, t := range tables {
		v.There = v.There || t.Name == name
	}
	if !v.There {
		return v, nil
	}
	elements, err := c.GetSetElements(w.set())
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return View{}, fmt.Errorf("reading the timeouts of %s: %w", name, err)
	}
	for _, e := range elements {
		v.Left = max(v.Left, e.Expires)
	}
	return v, v.readRules(c, w)
}

func (v *View) readRules(c *nftables.Conn, w Wall) error {
	chains, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return fmt.Errorf("listing the chains of %s: %w", w.Name, err)
	}
	for _, chain := range chains {
		if chain.Table.Name != w.Name {
			continue
		}
		rules, err := c.GetRules(w.table(), chain)
		if err != nil {
			return fmt.Errorf("reading the rules of %s: %w", w.Name, err)
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

// Find lists the walls of a namespace, whoever built them.
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
