package kubernetes

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/corefile"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// edited is a Corefile with the lines of a fault.
type edited struct {
	text    string
	added   []string      // for people
	metrics string        // the port of the metrics; empty if there are none
	every   time.Duration // after which a change is read
}

// zoneOfFault is a zone of which nobody else knows (RFC 2606).
func zoneOfFault(m mark.Mark) string { return "gameday-" + m.Hash + ".invalid" }

// edit adds the lines, or says why that is not possible.
func (c dnsConfig) edit(text string, names []corefile.Name, m mark.Mark) (out edited, problems []sdk.Problem) {
	f, err := corefile.Parse(text)
	if err != nil {
		return out, []sdk.Problem{problem("targets", "The Corefile is not understood: "+err.Error(), "It is not touched, since all of the cluster depends on it.")}
	}
	if problems = c.refuse(f, names); len(problems) > 0 {
		return out, problems
	}
	out.every, _ = f.Reload()
	served := map[int][]corefile.Name{}
	for _, n := range names {
		for _, i := range f.Serving(n) {
			served[i] = append(served[i], n)
		}
	}
	inside := map[int]string{}
	for i, of := range served {
		inside[i] = fmt.Sprintf("    # gameday %s: begin\n%s    # gameday %s: end\n", m.Hash, c.templates(of), m.Hash)
	}
	proof, port, found := proofBlock(f, slices.Sorted(keysOf(served)), m)
	if len(found) > 0 {
		return out, found
	}
	out.metrics, out.text = port, f.Add(inside, proof)
	for i := range f.Blocks {
		if inside[i] != "" {
			out.added = append(out.added, fmt.Sprintf("at the beginning of the server block %s: %s", f.Blocks[i].Keys[0], strings.Join(strings.Fields(inside[i]), " ")))
		}
	}
	return out, nil
}

func keysOf[V any](m map[int]V) func(func(int) bool) {
	return func(yield func(int) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// refuse finds what keeps the lines from having their effect.
func (c dnsConfig) refuse(f *corefile.File, names []corefile.Name) (out []sdk.Problem) {
	if _, ok := f.Reload(); !ok {
		out = append(out, problem("targets", "CoreDNS does not look for changes: there is no plugin reload in its Corefile", "Add the line \"reload\" to a server block, and restart CoreDNS once."))
	}
	if len(f.Imports) > 0 && c.Resolver == "" {
		out = append(out, problem("resolver", fmt.Sprintf("The Corefile imports server blocks (%s), which may answer for the names instead", strings.Join(f.Imports, ", ")), "Give resolver, so that it is seen whether the names fail."))
	}
	for i, n := range names {
		blocks := f.Serving(n)
		if len(blocks) == 0 {
			out = append(out, problem(fmt.Sprintf("names.%d", i), fmt.Sprintf("No server block of the Corefile answers for %s", c.Names[i]), "Choose a name that CoreDNS is asked for."))
		}
		if f.HasReverse() && (n.Text == "arpa" || strings.HasSuffix(n.Text, ".arpa")) {
			out = append(out, problem(fmt.Sprintf("names.%d", i), "Server blocks of this Corefile are for networks, and may answer for "+c.Names[i]+" instead", "Choose names that are no addresses."))
		}
		if slices.ContainsFunc(blocks, func(b int) bool { return len(f.Blocks[b].Find("view")) > 0 }) {
			out = append(out, problem(fmt.Sprintf("names.%d", i), "Which server block answers for "+c.Names[i]+" depends on who asks (view)", "Choose another name."))
		}
	}
	return out
}

// templates are the lines for a server block that serves these names.
func (c dnsConfig) templates(names []corefile.Name) (out string) {
	for _, below := range []bool{false, true} {
		var zones []string
		match := ""
		for _, n := range names {
			if n.Below != below {
				continue
			}
			zones = append(zones, n.Zone())
			if !below {
				match += fmt.Sprintf("        match \"(?i)^%s[.]$\"\n", strings.ReplaceAll(n.Text, ".", "[.]"))
			}
		}
		if len(zones) == 0 {
			continue
		}
		if match != "" {
			match += "        fallthrough\n" // to the names beside these
		}
		for _, typ := range c.types() {
			out += fmt.Sprintf("    template IN %s %s {\n%s%s    }\n", typ.name, strings.Join(zones, " "), match, typ.lines)
		}
	}
	return out
}

// typed are the lines for one type of record.
type typed struct{ name, lines string }

func (c dnsConfig) types() []typed {
	rcode := map[string]string{"nxdomain": "NXDOMAIN", "empty": "NOERROR", "servfail": "SERVFAIL", "refused": "REFUSED"}[c.Mode]
	if rcode != "" {
		return []typed{{"ANY", "        rcode " + rcode + "\n"}}
	}
	out := []typed{{name: "A"}, {name: "AAAA"}}
	for i, typ := range out {
		for _, a := range c.addresses(typ.name) {
			out[i].lines += fmt.Sprintf("        answer \"{{ .Name }} %d IN %s %s\"\n", int(time.Duration(c.TTL).Seconds()), typ.name, a)
		}
		if out[i].lines == "" {
			out[i].lines = "        rcode NOERROR\n"
		}
	}
	return out
}

// addresses are those for records of a type, A or AAAA.
func (c dnsConfig) addresses(typ string) (out []string) {
	for _, text := range c.Addresses {
		if a, err := netip.ParseAddr(text); err == nil && a.Is4() == (typ == "A") {
			out = append(out, a.String())
		}
	}
	return out
}

// proofBlock is a server block for the zone of the fault. It listens where one of these does, and has the same metrics.
func proofBlock(f *corefile.File, serving []int, m mark.Mark) (text, metrics string, problems []sdk.Problem) {
	for _, i := range serving {
		b := f.Blocks[i]
		k := slices.IndexFunc(b.Keys, func(k corefile.Key) bool { return k.Transport == "dns" && !k.Reverse })
		if k < 0 {
			continue
		}
		lines := fmt.Sprintf("    template IN TXT {\n        answer \"{{ .Name }} 0 IN TXT %s\"\n    }\n", m.Hash)
		for _, d := range b.Find("bind") {
			if d.Nested {
				return "", "", []sdk.Problem{problem("targets", fmt.Sprintf("The server block %s chooses its addresses in a way that is not understood", b.Keys[0]), "Use bind with addresses and nothing else.")}
			}
			lines += "    bind " + strings.Join(d.Args, " ") + "\n"
		}
		for _, d := range b.Find("prometheus") {
			lines += "    " + strings.TrimSpace("prometheus "+strings.Join(d.Args, " ")) + "\n"
			metrics = portOf(append(d.Args, "localhost:9153")[0]) // the default of the plugin prometheus
		}
		return fmt.Sprintf("# gameday %s: begin\n%s:%s {\n%s}\n# gameday %s: end\n", m.Hash, zoneOfFault(m), b.Keys[k].Port, lines, m.Hash), metrics, nil
	}
	return "", "", []sdk.Problem{problem("names", "CoreDNS answers for the names only over encrypted connections", "Choose names that it is asked for by ordinary DNS.")}
}

func portOf(address string) string { return address[strings.LastIndex(address, ":")+1:] }
