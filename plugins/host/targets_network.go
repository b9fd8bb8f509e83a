package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// hostNamespace is the name of the namespace that gameday itself is in.
const hostNamespace = "host"

// namespaces finds network namespaces.
type namespaces struct{}

func (namespaces) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "Network namespaces, such as those of containers.",
		Attributes: []sdk.Attribute{{
			Name: "names", Type: sdk.StringList, Required: true,
			Doc: "Names as `ip netns` knows them, or paths such as /proc/PID/ns/net. host is the namespace that gameday is in.",
		}},
	}
}

func (namespaces) Resolve(_ context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	var c struct {
		Names []string `json:"names"`
	}
	if err := req.Decode(&c); err != nil {
		return sdk.Selection{}, nil, err
	}
	all, err := netns.Names()
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	out := sdk.Selection{Population: max(len(all)+1, len(c.Names))}
	var problems []sdk.Problem
	for i, name := range c.Names {
		ref, err := refOf(name)
		if err != nil {
			problems = append(problems, problem(fmt.Sprintf("names.%d", i), fmt.Sprintf("There is no network namespace %q", name),
				"There are "+strings.Join(append(all, hostNamespace), ", ")+". "+err.Error()))
			continue
		}
		out.Targets = append(out.Targets, sdk.Target{
			Type: "host_namespace", ID: ref.ID, Name: name, Attrs: map[string]string{"path": ref.Path},
		})
	}
	return out, problems, nil
}

func refOf(name string) (netns.Ref, error) {
	if name == hostNamespace {
		return netns.Of(netns.Own)
	}
	return netns.Of(netns.Path(name))
}

// interfaces finds network interfaces.
type interfaces struct{}

func (interfaces) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "Network interfaces of this host or of a network namespace.",
		Attributes: []sdk.Attribute{
			{Name: "names", Type: sdk.StringList, Required: true, Doc: "Names such as eth0. lo only if it is named here."},
			{Name: "namespace", Type: sdk.String, Default: hostNamespace, Doc: "The namespace that they are in: a name, a path, or host."},
		},
	}
}

func (interfaces) Resolve(_ context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	c := struct {
		Names     []string `json:"names"`
		Namespace string   `json:"namespace"`
	}{Namespace: hostNamespace}
	if err := req.Decode(&c); err != nil {
		return sdk.Selection{}, nil, err
	}
	ref, err := refOf(c.Namespace)
	if err != nil {
		return sdk.Selection{}, []sdk.Problem{problem("namespace", fmt.Sprintf("There is no network namespace %q", c.Namespace), err.Error())}, nil
	}
	links, err := linksOf(ref)
	if err != nil {
		return sdk.Selection{}, nil, fmt.Errorf("listing the interfaces of %s: %w", c.Namespace, err)
	}
	out := sdk.Selection{Population: len(links)}
	var problems []sdk.Problem
	var names []string
	for _, l := range links {
		names = append(names, l.Attrs().Name)
	}
	for i, name := range c.Names {
		at := slices.Index(names, name)
		if at < 0 {
			problems = append(problems, problem(fmt.Sprintf("names.%d", i), fmt.Sprintf("%s has no interface %q", c.Namespace, name), "It has "+strings.Join(names, ", ")+"."))
			continue
		}
		a := links[at].Attrs()
		out.Targets = append(out.Targets, sdk.Target{
			Type: "host_interface", ID: fmt.Sprintf("%s/%d/%s", ref.ID, a.Index, name), Name: name,
			Attrs: map[string]string{"path": ref.Path, "namespace": c.Namespace, "address": a.HardwareAddr.String()},
		})
	}
	return out, problems, nil
}

func linksOf(ref netns.Ref) (links []netlink.Link, err error) {
	err = withHandle(ref, func(h *netlink.Handle) error {
		links, err = h.LinkList()
		return err
	})
	return links, err
}

// withHandle talks to the interfaces of a namespace.
func withHandle(ref netns.Ref, fn func(*netlink.Handle) error) error {
	ns, err := ref.Open()
	if err != nil {
		return err
	}
	defer func() { _ = ns.Close() }()
	return handleIn(ns, fn)
}

func handleIn(ns *os.File, fn func(*netlink.Handle) error) error {
	own, err := netns.IsOwn(ns)
	if err != nil {
		return err
	}
	var h *netlink.Handle
	if own { // entering the own namespace would need a permission that nothing else needs
		h, err = netlink.NewHandle()
	} else {
		h, err = netlink.NewHandleAt(vnetns.NsHandle(ns.Fd()))
	}
	if err != nil {
		return fmt.Errorf("talking to the interfaces of %s: %w", ns.Name(), err)
	}
	defer h.Close()
	return fn(h)
}

// place is where a network fault is: a namespace, and an interface in it or all.
type place struct {
	Namespace netns.Ref `json:"namespace"`
	Index     int       `json:"index,omitempty"`
	Interface string    `json:"interface,omitempty"`
}

// takePlace reads the target of a network fault, if it is what was planned for.
func takePlace(t sdk.Target) (place, []sdk.Problem) {
	again := []sdk.Problem{problem("targets", t.Name+" is gone, or another has its name now", "Plan again.")}
	ns, rest, isInterface := strings.Cut(t.ID, "/")
	p := place{Namespace: netns.Ref{Path: t.Attrs["path"], ID: ns}}
	f, err := p.Namespace.Open()
	if err != nil {
		return p, again
	}
	_ = f.Close()
	if !isInterface {
		return p, nil
	}
	number, name, _ := strings.Cut(rest, "/")
	if p.Index, err = strconv.Atoi(number); err != nil {
		return p, again
	}
	p.Interface = name
	if _, err := p.link(); err != nil {
		return p, again
	}
	return p, nil
}

// errNoLink means that the interface is gone, whatever has its name.
var errNoLink = errors.New("the interface is gone")

// link finds this very interface.
func (p place) link() (l netlink.Link, err error) {
	err = withHandle(p.Namespace, func(h *netlink.Handle) error {
		l, err = p.linkIn(h)
		return err
	})
	return l, err
}

func (p place) linkIn(h *netlink.Handle) (netlink.Link, error) {
	l, err := h.LinkByIndex(p.Index)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) || err == nil && l.Attrs().Name != p.Interface {
		return nil, errNoLink
	}
	return l, err
}
