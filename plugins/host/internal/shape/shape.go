package shape

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The queue that slows packets is never the root of the interface. The root is an HTB that lets everything through untouched
// but the packets that a wall has sent into its one class:
//
//	root htb MAJOR:  --+-- no class: straight out
//	                   +-- class MAJOR:2 -- tbf or netem
//
// A queueing discipline has no clock. The wall has one: when nobody winds it up any more, no packet is sent into the class,
// and what is left of the fault changes nothing.

// class is the minor number of the class.
const class = 2

// fast is more than any interface has, in bits per second: the class itself slows nothing.
const fast = 30e9

// Tree is the discipline of one fault on one interface.
type Tree struct {
	Index int    `json:"index"`
	Major uint16 `json:"major"`
	Leaf  Leaf   `json:"leaf"`
}

// Class is what a packet's priority has to be to get into the class.
func (t Tree) Class() uint32 { return netlink.MakeHandle(t.Major, class) }

// ErrTaken means that the interface has a discipline that somebody has set up.
var ErrTaken = errors.New("the interface has a queueing discipline that is not the kernel's default")

// Root is the discipline that somebody has set up on the interface, or nil for the kernel's default, which has no handle.
func Root(h *netlink.Handle, index int) (netlink.Qdisc, error) {
	all, err := h.QdiscList(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: index}})
	if err != nil {
		return nil, fmt.Errorf("listing the queueing disciplines: %w", err)
	}
	for _, q := range all {
		if a := q.Attrs(); a.LinkIndex == index && a.Parent == netlink.HANDLE_ROOT && a.Handle != 0 {
			return q, nil
		}
	}
	return nil, nil
}

// Ours says whether a root is this tree's.
func (t Tree) Ours(root netlink.Qdisc) bool {
	return root != nil && root.Type() == "htb" && root.Attrs().Handle == netlink.MakeHandle(t.Major, 0)
}

// Add builds the tree. It replaces the kernel's default and nothing else. It has to be called inside of the namespace.
func (t Tree) Add(h *netlink.Handle) error {
	root := netlink.NewHtb(netlink.QdiscAttrs{LinkIndex: t.Index, Handle: netlink.MakeHandle(t.Major, 0), Parent: netlink.HANDLE_ROOT})
	direct := uint32(1000)
	root.DirectQlen = &direct
	if err := h.QdiscAdd(root); errors.Is(err, unix.EEXIST) {
		return ErrTaken
	} else if err != nil {
		return fmt.Errorf("adding the queue htb: %w", err)
	}
	c := netlink.NewHtbClass(netlink.ClassAttrs{
		LinkIndex: t.Index, Handle: t.Class(), Parent: netlink.MakeHandle(t.Major, 0),
	}, netlink.HtbClassAttrs{Rate: fast, Ceil: fast, Quantum: 60_000})
	if err := h.ClassAdd(c); err != nil {
		return fmt.Errorf("adding the class: %w", err)
	}
	if err := t.Leaf.add(h, t.Index, t.Class()); err != nil {
		return fmt.Errorf("adding the queue %s: %w", t.Leaf.Kind, err)
	}
	return nil
}

// Remove takes the tree away, and the kernel puts its default back. A root that is not this tree's is left alone.
func (t Tree) Remove(h *netlink.Handle) error {
	root, err := Root(h, t.Index)
	if err != nil || !t.Ours(root) {
		return err
	}
	if err := h.QdiscDel(root); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("removing the queue: %w", err)
	}
	return nil
}

// Packets is how many went through the leaf, and whether there is one.
func (t Tree) Packets(h *netlink.Handle) (n uint32, there bool, err error) {
	all, err := h.QdiscList(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: t.Index}})
	if err != nil {
		return 0, false, fmt.Errorf("listing the queueing disciplines: %w", err)
	}
	for _, q := range all {
		a := q.Attrs()
		if a.LinkIndex != t.Index || a.Parent != t.Class() || q.Type() != t.Leaf.Kind {
			continue
		}
		if a.Statistics != nil && a.Statistics.Basic != nil {
			n = a.Statistics.Basic.Packets
		}
		return n, true, nil
	}
	return 0, false, nil
}
