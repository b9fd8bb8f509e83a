package corefile

import (
	"fmt"
	"strconv"
	"strings"
)

// Key is what a server block answers for: a zone, at a port.
type Key struct {
	// Transport is dns, tls, grpc, https, ...
	Transport string
	// Zone is in lower case and has no dot at its end; the root is empty.
	Zone string
	Port string
	// Reverse says that the key is a network, which stands for zones below in-addr.arpa or ip6.arpa.
	Reverse bool
}

func parseKey(text string) (Key, error) {
	if strings.Contains(text, "{$") || strings.Contains(text, "{%") {
		return Key{}, fmt.Errorf("%s depends on the environment of CoreDNS", text)
	}
	k := Key{Transport: "dns", Port: "53"}
	rest := text
	if transport, after, ok := strings.Cut(text, "://"); ok {
		k.Transport, k.Port, rest = transport, "", after
	}
	if strings.Contains(rest, "/") {
		k.Reverse, k.Zone = true, rest
		return k, nil
	}
	zone, port, ok := strings.Cut(rest, ":")
	if ok {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return Key{}, fmt.Errorf("%s is no zone with a port", text)
		}
		k.Port = port
	}
	k.Zone = strings.TrimSuffix(strings.ToLower(zone), ".")
	return k, nil
}

// String is as in a Corefile.
func (k Key) String() string {
	out := k.Zone
	if !k.Reverse {
		out += "."
	}
	if k.Port != "" {
		out += ":" + k.Port
	}
	if k.Transport != "dns" {
		out = k.Transport + "://" + out
	}
	return out
}

// listener is what blocks have in common that queries are divided among.
func (k Key) listener() [2]string { return [2]string{k.Transport, k.Port} }

// Name is a name that is asked for.
type Name struct {
	// Text is in lower case and has no dot at its end; the root is empty.
	Text string
	// Below says that everything below it is meant, too.
	Below bool
}

// Zone is the name as the zone of a template.
func (n Name) Zone() string { return n.Text + "." }

// within says whether a name is in a zone, both without the dot at their end.
func within(name, zone string) bool {
	return zone == "" || name == zone || strings.HasSuffix(name, "."+zone)
}
