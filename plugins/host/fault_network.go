package host

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/wall"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// cut is one wall in the way of packets. The kernel ends it when nobody winds it up any more, so when every process of ours
// dies at once the network is whole again within five seconds. The table without effect stays, until gameday recover.
type cut struct {
	Place   place      `json:"place"`
	Table   string     `json:"table"`
	Comment string     `json:"comment"`
	Rules   wall.Rules `json:"rules"`
}

func (c cut) wall() wall.Wall { return wall.Wall{Name: c.Table, Rules: c.Rules, Comment: c.Comment} }

const (
	maxPeers = 64
	maxPorts = 64
	oneShare = 100 // hundredths of a percent in a percent
)

type networkConfig struct {
	Peers     []string `json:"peers"`
	Ports     []int    `json:"ports"`
	Protocol  string   `json:"protocol"`
	Direction string   `json:"direction"`
	SSH       bool     `json:"include_ssh"`
	Loopback  bool     `json:"include_loopback"`
	Mode      string   `json:"mode"`
	Percent   float64  `json:"percent"`
	Delay     sdk.Span `json:"delay"`
	Jitter    sdk.Span `json:"jitter"`
	Rate      int64    `json:"bytes_per_second"`
}

// packets are the attributes that choose which packets a fault is about.
func packets(more ...sdk.Attribute) []sdk.Attribute {
	out := append(more,
		sdk.Attribute{Name: "peers", Type: sdk.StringList, Doc: "Addresses or networks at the other end. By default all."},
		sdk.Attribute{Name: "ports", Type: sdk.NumberList, Doc: "TCP or UDP ports, at either end. By default all."},
		sdk.Attribute{Name: "protocol", Type: sdk.String, Default: "all", OneOf: []string{"all", "tcp", "udp", "icmp"}, Doc: "Only packets of this protocol."},
	)
	return append(out,
		sdk.Attribute{Name: "include_ssh", Type: sdk.Bool, Default: false, Doc: "Hit the connections of the SSH server too, through which somebody may be steering this."},
		sdk.Attribute{Name: "include_loopback", Type: sdk.Bool, Default: false, Doc: "Hit lo too, over which gameday and its plugins may be talking. Targeting the interface lo is asking for it as well."},
	)
}

// network is a fault of a wall alone.
func network(name, doc string, own []sdk.Attribute, action func(networkConfig, *wall.Rules) (string, []sdk.Problem)) kind[cut] {
	return kind[cut]{
		name: name, targets: []string{"host_interface", "host_namespace"},
		schema: sdk.Schema{Doc: doc, Attributes: packets(append(own, sdk.Attribute{
			Name: "direction", Type: sdk.String, Default: "both", OneOf: []string{"both", "in", "out"}, Doc: "Packets that arrive, that leave, or both.",
		})...)},
		plan: func(_ context.Context, _ *provider, req sdk.Request, t sdk.Target) (plan[cut], []sdk.Problem, error) {
			return planNetwork(name, req, t, action)
		},
		inject: func(_ context.Context, p *provider, _ sdk.Handle, c cut) error {
			return p.raise(c.wall(), c.Place.Namespace)
		},
		inspect: func(_ context.Context, _ *provider, _ sdk.Handle, c cut) (sdk.State, error) {
			return inspectWall(c.Table, c.Place.Namespace)
		},
		revert: func(_ context.Context, p *provider, _ sdk.Handle, c cut) error {
			return p.raze(c.wall(), c.Place.Namespace)
		},
	}
}

func partition() kind[cut] {
	return network("host_partition",
		"Packets do not arrive. The rules are in an nftables table of their own and end by themselves: if every process of gameday dies at once, "+
			"the kernel lets packets pass again within 5 seconds. A UDP sender on the host itself gets EPERM instead of silence, as from any firewall.",
		[]sdk.Attribute{{
			Name: "mode", Type: sdk.String, Default: wall.Drop, OneOf: []string{wall.Drop, wall.Reject},
			Doc: "drop loses packets: connections hang. reject answers with a reset or an ICMP error: connections fail at once.",
		}},
		func(c networkConfig, r *wall.Rules) (string, []sdk.Problem) {
			r.Action = c.Mode
			return c.Mode, nil
		})
}

func loss() kind[cut] {
	return network("host_loss",
		"A share of the packets is lost, by chance. It ends by itself as host_partition does.",
		[]sdk.Attribute{{Name: "percent", Type: sdk.Number, Required: true, Doc: "How many of the packets, in each direction, from 0.01 to 100."}},
		func(c networkConfig, r *wall.Rules) (string, []sdk.Problem) {
			r.Action, r.Share = wall.Drop, uint32(c.Percent*oneShare+0.5)
			if c.Percent > percentAll || c.Percent < 0.01 {
				return "", []sdk.Problem{problem("percent", fmt.Sprintf("%v %% of the packets", c.Percent), "Use 0.01 to 100.")}
			}
			return fmt.Sprintf("lose %v %% of", c.Percent), nil
		})
}

func policing() kind[cut] {
	return network("host_policing",
		"What is more than a rate is lost, as at a provider's policer: the way to give packets that arrive a bandwidth, since Linux queues only what leaves. "+
			"All packets that match share the rate, and about one second's worth may pass at once. It ends by itself as host_partition does.",
		[]sdk.Attribute{{Name: "bytes_per_second", Type: sdk.Number, Required: true, Doc: "The bandwidth, in bytes per second; at least 1000."}},
		func(c networkConfig, r *wall.Rules) (string, []sdk.Problem) {
			if c.Rate < leastRate {
				return "", tooSlow(c.Rate)
			}
			r.Action, r.Rate = wall.Police, uint64(c.Rate)
			return fmt.Sprintf("lose what is more than %d bytes per second of", c.Rate), nil
		})
}

// leastRate still lets a packet pass now and then.
const leastRate = 1000

func tooSlow(rate int64) []sdk.Problem {
	return []sdk.Problem{problem("bytes_per_second", fmt.Sprintf("%d bytes per second", rate), fmt.Sprintf("Use at least %d.", leastRate))}
}

func planNetwork(fault string, req sdk.Request, t sdk.Target, action func(networkConfig, *wall.Rules) (string, []sdk.Problem)) (plan[cut], []sdk.Problem, error) {
	c := networkConfig{Protocol: "all", Direction: "both", Mode: wall.Drop}
	if err := req.Decode(&c); err != nil {
		return plan[cut]{}, nil, err
	}
	k, problems, err := planWall(fault, req, t, c)
	if err != nil || len(problems) > 0 {
		return plan[cut]{}, problems, err
	}
	verb, problems := action(c, &k.Rules)
	if len(problems) == 0 {
		problems = tryWall(fault, k.wall())
	}
	return plan[cut]{
		undo: k, effects: []string{fmt.Sprintf("%s %s at %s, by the nftables table inet %s%s", verb, k.Rules, t.Name, k.Table, k.spared())},
		steps: []string{k.Place.by(fmt.Sprintf("nft delete table inet %s", k.Table))},
	}, problems, nil
}

// by is a command for a person, in the right namespace.
func (p place) by(command string) string {
	if p.Namespace.Path == netns.Own {
		return command
	}
	return fmt.Sprintf("nsenter --net=%s %s", p.Namespace.Path, command)
}

func (c cut) spared() string {
	var out []string
	if c.Rules.SpareLoopback {
		out = append(out, "lo")
	}
	if len(c.Rules.SpareSSH) > 0 {
		out = append(out, fmt.Sprintf("SSH on %v", c.Rules.SpareSSH))
	}
	if len(out) == 0 {
		return ""
	}
	return "; spares " + strings.Join(out, " and ")
}

// planWall decides where the wall is and which packets it is about.
func planWall(fault string, req sdk.Request, t sdk.Target, c networkConfig) (cut, []sdk.Problem, error) {
	k := cut{Table: mark(req, t.ID), Comment: comment(fault, req)}
	var problems []sdk.Problem
	if !capNet.has() {
		return k, []sdk.Problem{lacking(fault, capNet.name, "The kernel's firewall and queues are for root, or for who has this capability.")}, nil
	}
	if k.Place, problems = takePlace(t); len(problems) > 0 {
		return k, problems, nil
	}
	own, err := ownNamespace(k.Place)
	if err != nil {
		return k, nil, err
	}
	if !own && !capAdmin.has() {
		return k, []sdk.Problem{lacking(fault, capAdmin.name, "Entering another network namespace needs it.")}, nil
	}
	k.Rules = wall.Rules{
		In: c.Direction != "out", Out: c.Direction != "in", Interface: uint32(k.Place.Index),
		SpareLoopback: !c.Loopback && k.Place.Interface != "lo",
	}
	if c.Protocol != "all" {
		k.Rules.Protocol = c.Protocol
	}
	if k.Rules.Peers, problems = parsePeers(c.Peers); len(problems) > 0 {
		return k, problems, nil
	}
	if k.Rules.Ports, problems = parsePorts(c); len(problems) > 0 {
		return k, problems, nil
	}
	if !c.SSH {
		k.Rules.SpareSSH, err = sshPorts(k.Place.Namespace, own)
	}
	return k, nil, err
}

func ownNamespace(p place) (bool, error) {
	f, err := p.Namespace.Open()
	if err != nil {
		return false, err
	}
	own, err := netns.IsOwn(f)
	return own, errors.Join(err, f.Close())
}

func parsePeers(peers []string) ([]netip.Prefix, []sdk.Problem) {
	if len(peers) > maxPeers {
		return nil, []sdk.Problem{problem("peers", fmt.Sprintf("%d peers", len(peers)), fmt.Sprintf("At most %d: use networks.", maxPeers))}
	}
	var out []netip.Prefix
	for i, peer := range peers {
		p, err := netip.ParsePrefix(peer)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(peer); err == nil && a.Zone() == "" {
				p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
			}
		}
		if err != nil || !p.IsValid() || p.Addr().Is4In6() {
			return nil, []sdk.Problem{problem(fmt.Sprintf("peers.%d", i), fmt.Sprintf("%q is no address and no network", peer), "Such as 10.0.0.7 or 10.0.0.0/16; names are not looked up.")}
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func parsePorts(c networkConfig) ([]uint16, []sdk.Problem) {
	if len(c.Ports) > 0 && c.Protocol == "icmp" {
		return nil, []sdk.Problem{problem("ports", "ICMP has no ports", "Leave the ports out, or choose tcp or udp.")}
	}
	if len(c.Ports) > maxPorts {
		return nil, []sdk.Problem{problem("ports", fmt.Sprintf("%d ports", len(c.Ports)), fmt.Sprintf("At most %d.", maxPorts))}
	}
	var out []uint16
	for i, p := range c.Ports {
		if p < 1 || p > 65535 {
			return nil, []sdk.Problem{problem(fmt.Sprintf("ports.%d", i), fmt.Sprintf("%d is no port", p), "Use 1 to 65535.")}
		}
		out = append(out, uint16(p))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// sshPorts are the ports of the SSH servers of a namespace, and in the own one that of the connection which gameday was
// started over.
func sshPorts(in netns.Ref, own bool) ([]uint16, error) {
	ns, err := in.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = ns.Close() }()
	var st unix.Stat_t
	if err := unix.Fstat(int(ns.Fd()), &st); err != nil {
		return nil, fmt.Errorf("reading %s: %w", in.Path, err)
	}
	all, err := proc.List()
	if err != nil {
		return nil, err
	}
	var ports []uint16
	for _, info := range all {
		if info.Comm != "sshd" && info.Comm != "dropbear" {
			continue
		}
		var its unix.Stat_t
		if unix.Stat(fmt.Sprintf("/proc/%d/ns/net", info.PID), &its) != nil || its.Ino != st.Ino {
			continue
		}
		for _, p := range proc.Ports(info.PID) {
			ports = append(ports, uint16(p))
		}
	}
	if f := strings.Fields(os.Getenv("SSH_CONNECTION")); own && len(f) == 4 {
		if p, err := strconv.ParseUint(f[3], 10, 16); err == nil {
			ports = append(ports, uint16(p))
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}

// tryWall builds the wall in a namespace of its own that nothing is in, to see whether this kernel can.
func tryWall(fault string, w wall.Wall) []sdk.Problem {
	err := netns.Aside(func(ns *os.File) error {
		w.Rules.Interface = min(w.Rules.Interface, 1) // lo is all there is
		return w.Build(ns, windFor)
	})
	switch {
	case errors.Is(err, unix.EPERM):
		return []sdk.Problem{{Severity: sdk.Warning, Summary: fault + " could not be tried out beforehand", Detail: "That needs CAP_SYS_ADMIN. If the kernel lacks nftables, the injection will say so."}}
	case err != nil:
		return []sdk.Problem{lacking(fault, "nftables in the kernel", "This kernel did not take the rules (modules nf_tables, nft_ct, nft_numgen, nft_limit, nft_reject_inet): "+err.Error())}
	}
	return nil
}

func inspectWall(table string, in netns.Ref) (sdk.State, error) {
	v, there, err := see(table, in)
	switch {
	case err != nil:
		return sdk.State{}, err
	case !there:
		return inactive("the network namespace is gone, and its rules with it"), nil
	case !v.There:
		return inactive("there is no table inet %s", table), nil
	case v.Left == 0:
		return inactive("the kernel has ended the fault by itself: the rules of table inet %s match nothing any more", table), nil
	}
	return active("table inet %s, which the kernel ends in %.1f s unless it is renewed, has hit %d packets", table, v.Left.Seconds(), v.Packets), nil
}

// comment is written on the rules. It is what Sweep knows of a table without a mark.
func comment(fault string, req sdk.Request) string {
	const most = 200 // the kernel keeps 256 bytes, and they have a header
	text := strings.Join([]string{"gameday", fault, req.Run, strings.TrimPrefix(req.Run+"/"+req.ID, "/")}, " ")
	return text[:min(len(text), most)]
}
