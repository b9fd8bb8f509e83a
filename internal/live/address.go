package live

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// A page that can abort a run, and that shows a system under stress, is nobody else's business by default: it listens on
// this machine alone. "Everywhere" has to be said twice: by an address, and by the wish to be public.

// ErrNotLoopback is the error of an address that others could reach, where nobody has asked for that.
var ErrNotLoopback = errors.New("others than this machine could reach it")

// Address is where to listen: HOST:PORT. ":8080" is this machine only.
type Address struct {
	Host  string // as it was given; empty for this machine
	Port  string
	Names []string // by which people reach it, beside Host
}

// ParseAddress reads HOST:PORT. One that is not of this machine needs public.
func ParseAddress(text string, public bool, names []string) (Address, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return Address{}, fmt.Errorf("the address %q: %w", text, err)
	}
	a := Address{Host: host, Port: port, Names: names}
	if !public && !a.loopback() {
		return a, fmt.Errorf("the address %s: %w", text, ErrNotLoopback)
	}
	return a, nil
}

func (a Address) loopback() bool {
	ip, err := netip.ParseAddr(a.Host)
	return a.Host == "" || a.Host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// Listen opens the port. ":8080" is this machine only, always.
func (a Address) Listen() (net.Listener, error) {
	host := a.Host
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, a.Port))
	if err != nil {
		return nil, fmt.Errorf("opening the live page: %w", err)
	}
	return l, nil
}

// URL is where a browser finds what listens on l.
func (a Address) URL(l net.Listener) string {
	host, port, _ := net.SplitHostPort(l.Addr().String()) // an address of ours has both
	ip, err := netip.ParseAddr(host)
	switch {
	case len(a.Names) > 0:
		host = a.Names[0]
	case a.Host != "" && (err != nil || !ip.IsUnspecified()):
		host = a.Host
	case err == nil && ip.IsUnspecified():
		if host, err = os.Hostname(); err != nil {
			host = "localhost"
		}
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// allows says whether a request may be meant for this page, by its Host header. A name that somebody else has made to
// point here (DNS rebinding) is none of ours; an IP address is what nobody can make to point elsewhere.
func (a Address) allows(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if ip, err := netip.ParseAddr(host); err == nil {
		return !a.loopback() || ip.Unmap().IsLoopback()
	}
	if host == "localhost" && a.loopback() || host != "" && strings.EqualFold(host, a.Host) {
		return true
	}
	own, err := os.Hostname()
	return err == nil && !a.loopback() && strings.EqualFold(host, own) ||
		slices.ContainsFunc(a.Names, func(n string) bool { return strings.EqualFold(host, n) })
}
