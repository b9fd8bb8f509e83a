package command

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
)

// Ports are taken in aligned blocks below the range from which the kernel gives out its own, so that nothing takes one of
// them between the look and the use. Two labs that choose at once cannot overlap either: the control port of a block is
// bound at once and held from then on.
const (
	favourite  = 18080
	firstBlock = 20000
	blockSize  = 100
	blocks     = 120
	attempts   = 60
)

func claimPorts(ctx context.Context, base int) (*net.TCPListener, layout.Plan, error) {
	if base != 0 {
		ln, err := claim(ctx, base)
		return ln, layout.Plan{Base: base}, err
	}
	var errs error
	for i := range attempts {
		base := firstBlock + blockSize*rand.IntN(blocks)
		if i == 0 {
			base = favourite
		}
		ln, err := claim(ctx, base)
		if err == nil {
			return ln, layout.Plan{Base: base}, nil
		}
		errs = err
	}
	return nil, layout.Plan{}, fmt.Errorf("finding %d free ports: %w", layout.Size, errs)
}

// claim binds the control port of a block and looks whether all the others are free.
func claim(ctx context.Context, base int) (*net.TCPListener, error) {
	plan := layout.Plan{Base: base}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", plan.Control())
	if err != nil {
		return nil, err
	}
	control, ok := ln.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(errors.New("the control port is no TCP port"), ln.Close())
	}
	for _, addr := range addresses(plan) {
		if addr == plan.Control() {
			continue
		}
		if err := free(ctx, &lc, addr); err != nil {
			return nil, errors.Join(err, ln.Close())
		}
	}
	packets, err := lc.ListenPacket(ctx, "udp", plan.DNS())
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return control, packets.Close()
}

func free(ctx context.Context, lc *net.ListenConfig, addr string) error {
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return ln.Close()
}

// addresses are all that a plan can give out.
func addresses(plan layout.Plan) []string {
	out := []string{plan.LB(layout.East), plan.LB(layout.West)}
	for port := plan.Base + 1; port < plan.Base+layout.Size; port++ {
		out = append(out, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	return out
}
