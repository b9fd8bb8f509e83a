package dns_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	mdns "github.com/miekg/dns"

	"github.com/gameday-toolkit/gameday/plugins/dns"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

func conform(t *testing.T, control string, c conformance.Case, targets ...conformance.TargetCase) {
	t.Helper()
	long(t)
	conformance.Run(t, conformance.Subject{
		New: dns.New, Binary: binary(t), Config: jsonOf(t, map[string]string{"control": control}), Faults: []conformance.Case{c}, Targets: targets,
	})
}

func TestTheResolverConforms(t *testing.T) {
	s := serveResolver(t, upstreamFor(t), filepath.Join(t.TempDir(), "dns.sock"))
	target := resolverTarget(t, local(t, s.control))
	name := func(config json.RawMessage) string {
		var c struct{ Names []string }
		_ = json.Unmarshal(config, &c)
		return c.Names[0] + "."
	}
	conform(t, s.control, conformance.Case{
		Fault: "dns_failure", EndsWithPlugin: true,
		Setup: func(context.Context) (sdk.Request, error) {
			n := fmt.Sprintf("n%d.test", serial.Add(1))
			return sdk.Request{Config: json.RawMessage(`{"names":["` + n + `"]}`), Targets: []sdk.Target{target}}, nil
		},
		Look: func(_ context.Context, h sdk.Handle) (bool, error) {
			var u struct {
				Rule struct{ Names []string }
			}
			if err := json.Unmarshal(h.Undo, &u); err != nil {
				return false, err
			}
			got, err := exchange(s.listen, u.Rule.Names[0]+".")
			return got == "NXDOMAIN", err
		},
		Snapshot: func(_ context.Context, req sdk.Request) (string, error) {
			own, err := exchange(s.listen, name(req.Config))
			other, errOther := exchange(s.listen, "other.test.")
			return own + other, errors.Join(err, errOther)
		},
	}, conformance.TargetCase{Type: "dns_resolver", Names: []string{s.listen}})
}

// island is a namespace with a server inside.
type island struct {
	name string
	done chan struct{}
	udp  net.PacketConn
}

func newIsland() (*island, error) {
	i := &island{name: fmt.Sprintf("gdd%d-%di", os.Getpid(), serial.Add(1)), done: make(chan struct{})}
	if err := errors.Join(run("ip", "netns", "add", i.name), run("ip", "-n", i.name, "link", "set", "lo", "up")); err != nil {
		return i, err
	}
	err := in(i.name, func() (err error) {
		i.udp, err = net.ListenPacket("udp", "127.0.0.53:53")
		return err
	})
	if err != nil {
		return i, err
	}
	s := &mdns.Server{PacketConn: i.udp, Handler: answering()}
	go func() { defer close(i.done); _ = s.ActivateAndServe() }()
	return i, nil
}

func (i *island) remove() error {
	_ = i.udp.Close()
	<-i.done
	return run("ip", "netns", "delete", i.name)
}

func (i *island) ask(name string) (got string, err error) {
	err = in(i.name, func() error {
		got, err = exchange("127.0.0.53:53", name)
		return err
	})
	return got, err
}

func TestTrafficConforms(t *testing.T) {
	need(t)
	l := local(t, nobody(t))
	var mu sync.Mutex
	islands := map[string]*island{}
	of := func(target sdk.Target) *island {
		mu.Lock()
		defer mu.Unlock()
		return islands[target.ID]
	}
	conform(t, nobody(t), conformance.Case{
		Fault: "dns_failure", EndsWithPlugin: true,
		Setup: func(context.Context) (sdk.Request, error) {
			i, err := newIsland()
			if err != nil {
				return sdk.Request{}, err
			}
			target := traffic(t, l, i.name, "127.0.0.53")
			mu.Lock()
			defer mu.Unlock()
			islands[target.ID] = i
			return sdk.Request{Config: json.RawMessage(`{"names":["x.test"]}`), Targets: []sdk.Target{target}}, nil
		},
		Look: func(_ context.Context, h sdk.Handle) (bool, error) {
			got, err := of(h.Targets[0]).ask("x.test.")
			return got == "NXDOMAIN", err
		},
		Snapshot: func(_ context.Context, req sdk.Request) (string, error) {
			i := of(req.Targets[0])
			rules, err := tables(i.name)
			own, errOwn := i.ask("x.test.")
			other, errOther := i.ask("y.test.")
			return strings.Join([]string{rules, own, other}, "\n"), errors.Join(err, errOwn, errOther)
		},
		Teardown: func(_ context.Context, req sdk.Request) error { return of(req.Targets[0]).remove() },
	}, conformance.TargetCase{Type: "dns_traffic", Config: json.RawMessage(`{"namespaces":["host"],"servers":["192.0.2.53"]}`), Names: []string{"host"}})
}
