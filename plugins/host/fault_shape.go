package host

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/shape"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/wall"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// shaped is a queue that slows or spoils packets on their way out, and the wall that sends them there. The wall ends by
// itself, so when every process of ours dies at once no packet goes there any more after five seconds. The queue without
// packets stays, until gameday recover.
type shaped struct {
	Cut  cut        `json:"cut"`
	Tree shape.Tree `json:"tree"`
}

// slow is a fault of a queue.
func slow(name, doc string, own []sdk.Attribute, leaf func(networkConfig) (shape.Leaf, string, []sdk.Problem)) kind[shaped] {
	return kind[shaped]{
		name: name, targets: []string{"host_interface"}, exclusive: true,
		schema: sdk.Schema{
			Doc: doc + " Only packets that leave by the interface. An interface that has a queueing discipline of somebody else's is refused. If every " +
				"process of gameday dies at once, the kernel lets packets pass as before within 5 seconds.",
			Attributes: packets(append(own, sdk.Attribute{
				Name: "direction", Type: sdk.String, Default: "out", OneOf: []string{"out", "in"},
				Doc: "Only out: Linux queues what leaves. in is refused when the plan is made, with what to do instead.",
			})...),
		},
		plan: func(_ context.Context, _ *provider, req sdk.Request, t sdk.Target) (plan[shaped], []sdk.Problem, error) {
			return planShape(name, req, t, leaf)
		},
		inject: injectShape, inspect: inspectShape, revert: revertShape,
	}
}

func bandwidth() kind[shaped] {
	return slow("host_bandwidth", "The link has a bandwidth of so much (tbf); what does not fit waits for up to 400 ms and is then lost.",
		[]sdk.Attribute{{Name: "bytes_per_second", Type: sdk.Number, Required: true, Doc: "The bandwidth, in bytes per second; at least 1000."}},
		func(c networkConfig) (shape.Leaf, string, []sdk.Problem) {
			if c.Rate < leastRate {
				return shape.Leaf{}, "", tooSlow(c.Rate)
			}
			return shape.Leaf{Kind: shape.TBF, Rate: uint64(c.Rate)}, fmt.Sprintf("give %d bytes per second to", c.Rate), nil
		})
}

func delay() kind[shaped] {
	return slow("host_delay", "Packets are late (netem).",
		[]sdk.Attribute{
			{Name: "delay", Type: sdk.Duration, Required: true, Doc: "How late, in this one direction."},
			{Name: "jitter", Type: sdk.Duration, Default: "0s", Doc: "By how much more or less, by chance. Packets may then overtake each other."},
		},
		func(c networkConfig) (shape.Leaf, string, []sdk.Problem) {
			d, j := time.Duration(c.Delay), time.Duration(c.Jitter)
			if d <= 0 || d > time.Minute || j < 0 || j > d {
				return shape.Leaf{}, "", []sdk.Problem{problem("delay", fmt.Sprintf("A delay of %v, more or less %v", d, j), "Use up to 1m, and a jitter of at most the delay.")}
			}
			return shape.Leaf{Kind: shape.Netem, Delay: d, Jitter: j}, fmt.Sprintf("delay by %v (jitter %v)", d, j), nil
		})
}

func spoil(name, doc, verb string, set func(*shape.Leaf, float64)) kind[shaped] {
	return slow(name, doc, []sdk.Attribute{{Name: "percent", Type: sdk.Number, Required: true, Doc: "How many of the packets, from 0.01 to 100."}},
		func(c networkConfig) (shape.Leaf, string, []sdk.Problem) {
			if c.Percent < 0.01 || c.Percent > percentAll {
				return shape.Leaf{}, "", []sdk.Problem{problem("percent", fmt.Sprintf("%v %% of the packets", c.Percent), "Use 0.01 to 100.")}
			}
			l := shape.Leaf{Kind: shape.Netem}
			set(&l, c.Percent)
			return l, fmt.Sprintf("%s %v %% of", verb, c.Percent), nil
		})
}

func corruption() kind[shaped] {
	return spoil("host_corruption", "One bit of a share of the packets is wrong (netem).", "spoil", func(l *shape.Leaf, p float64) { l.Corrupt = p })
}

func duplication() kind[shaped] {
	return spoil("host_duplication", "A share of the packets is sent twice (netem).", "send twice", func(l *shape.Leaf, p float64) { l.Duplicate = p })
}

func planShape(fault string, req sdk.Request, t sdk.Target, leaf func(networkConfig) (shape.Leaf, string, []sdk.Problem)) (plan[shaped], []sdk.Problem, error) {
	c := networkConfig{Protocol: "all", Direction: "out"}
	if err := req.Decode(&c); err != nil {
		return plan[shaped]{}, nil, err
	}
	l, verb, problems := leaf(c)
	if c.Direction != "out" {
		problems = append(problems, problem("direction", fault+" is for packets that leave", "Linux has no queue for packets that arrive. Choose the interface "+
			"by which the other end sends them, or host_policing, which gives arriving packets a bandwidth, or host_loss."))
	}
	if len(problems) > 0 {
		return plan[shaped]{}, problems, nil
	}
	k, problems, err := planWall(fault, req, t, c)
	if err != nil || len(problems) > 0 {
		return plan[shaped]{}, problems, err
	}
	// The kernel gives out major numbers from 0x8000 on, and people give out small ones.
	s := shaped{Cut: k, Tree: shape.Tree{Index: k.Place.Index, Major: 0x4000 | uint16(crc32.ChecksumIEEE([]byte(k.Table)))&0x3fff, Leaf: l}}
	s.Cut.Rules.Action, s.Cut.Rules.Class = wall.Class, s.Tree.Class()
	s.Cut.Comment = comment(fmt.Sprintf("%s,%d,%d,%s", fault, s.Tree.Index, s.Tree.Major, k.Place.Interface), req)
	problems, err = s.refused(t)
	if len(problems) == 0 && err == nil {
		problems = s.try(fault)
	}
	return plan[shaped]{
		undo: s, steps: s.byHand(),
		effects: []string{fmt.Sprintf("%s %s at %s, by the queue %s under htb %x: and the nftables table inet %s%s", verb, s.Cut.Rules, t.Name, l.Kind, s.Tree.Major, k.Table, s.Cut.spared())},
	}, problems, err
}

func (s shaped) byHand() []string {
	return []string{
		s.Cut.Place.by(fmt.Sprintf("tc qdisc del dev %s root handle %x: htb", s.Cut.Place.Interface, s.Tree.Major)),
		s.Cut.Place.by("nft delete table inet " + s.Cut.Table),
	}
}

// refused says whether somebody has set up a queueing discipline on the interface.
func (s shaped) refused(t sdk.Target) (problems []sdk.Problem, err error) {
	err = s.on(func(h *netlink.Handle) error {
		root, err := shape.Root(h, s.Tree.Index)
		if root != nil && !s.Tree.Ours(root) {
			problems = []sdk.Problem{problem("targets", fmt.Sprintf("%s has the queueing discipline %s already", t.Name, root.Type()),
				"It is somebody else's, and is not replaced. Remove it, or choose another interface.")}
		}
		return err
	})
	return problems, err
}

// on talks to the interface from inside of its namespace, or returns errNoLink or netns.ErrGone.
func (s shaped) on(fn func(*netlink.Handle) error) error {
	ns, err := s.Cut.Place.Namespace.Open()
	if err != nil {
		return err
	}
	defer func() { _ = ns.Close() }()
	return netns.Do(ns, func() error {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("talking to the interface %s: %w", s.Cut.Place.Interface, err)
		}
		defer h.Close()
		if _, err := s.Cut.Place.linkIn(h); err != nil {
			return err
		}
		return fn(h)
	})
}

// try builds it on the loopback interface of a namespace of its own that nothing is in, to see whether this kernel can.
func (s shaped) try(fault string) []sdk.Problem {
	if problems := tryWall(fault, s.Cut.wall()); len(problems) > 0 {
		return problems
	}
	err := netns.Aside(func(*os.File) error {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer h.Close()
		there := s.Tree
		there.Index = 1
		return there.Add(h)
	})
	if err != nil {
		return []sdk.Problem{lacking(fault, "sch_htb and sch_"+s.Tree.Leaf.Kind+" in the kernel",
			"This kernel has no such queue: "+err.Error()+". Load the modules, or use a kernel that has them (CONFIG_NET_SCH_HTB, CONFIG_NET_SCH_NETEM, CONFIG_NET_SCH_TBF).")}
	}
	return nil
}

// injectShape raises the wall before the queue: the wall is what tells Sweep of both.
func injectShape(_ context.Context, p *provider, _ sdk.Handle, s shaped) error {
	if err := p.raise(s.Cut.wall(), s.Cut.Place.Namespace); err != nil {
		return err
	}
	return s.on(s.Tree.Add)
}

func inspectShape(_ context.Context, _ *provider, _ sdk.Handle, s shaped) (sdk.State, error) {
	state, err := inspectWall(s.Cut.Table, s.Cut.Place.Namespace)
	if err != nil || state.Status != sdk.Active {
		return state, err
	}
	err = s.on(func(h *netlink.Handle) error {
		n, there, err := s.Tree.Packets(h)
		if err == nil && there {
			state.Evidence += fmt.Sprintf("; the queue %s has passed on %d packets", s.Tree.Leaf.Kind, n)
		} else if err == nil {
			state = inactive("%s has no queue of this fault", s.Cut.Place.Interface)
		}
		return err
	})
	if errors.Is(err, errNoLink) || errors.Is(err, netns.ErrGone) {
		return inactive("the interface %s is gone, and its queue with it", s.Cut.Place.Interface), nil
	}
	return state, err
}

func revertShape(_ context.Context, p *provider, _ sdk.Handle, s shaped) error {
	err := s.on(s.Tree.Remove)
	if errors.Is(err, errNoLink) || errors.Is(err, netns.ErrGone) {
		err = nil
	}
	if err != nil {
		return err // the wall stays: it tells Sweep of the queue
	}
	return p.raze(s.Cut.wall(), s.Cut.Place.Namespace)
}
