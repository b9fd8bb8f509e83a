package corefile

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Serving are the server blocks, by their number, that answer for a name: at each port that of the longest zone that the name is in,
// and those of zones below the name, if these are meant.
func (f *File) Serving(n Name) []int {
	longest := map[[2]string]string{}
	f.eachKey(func(_ int, k Key) {
		if best, ok := longest[k.listener()]; within(n.Text, k.Zone) && (!ok || len(k.Zone) > len(best)) {
			longest[k.listener()] = k.Zone
		}
	})
	found := map[int]bool{}
	f.eachKey(func(i int, k Key) {
		best, ok := longest[k.listener()]
		if ok && k.Zone == best || n.Below && within(k.Zone, n.Text) {
			found[i] = true
		}
	})
	return slices.Sorted(maps.Keys(found))
}

func (f *File) eachKey(fn func(int, Key)) {
	for i, b := range f.Blocks {
		for _, k := range b.Keys {
			if !k.Reverse {
				fn(i, k)
			}
		}
	}
}

// HasReverse says whether a block is for a network.
func (f *File) HasReverse() bool {
	return slices.ContainsFunc(f.Blocks, func(b Block) bool { return slices.ContainsFunc(b.Keys, func(k Key) bool { return k.Reverse }) })
}

// Reload is how often CoreDNS looks for a change, at most; ok says whether it looks at all.
func (f *File) Reload() (every time.Duration, ok bool) {
	for _, b := range f.Blocks {
		if found := b.Find("reload"); len(found) > 0 {
			return found[0].reload(), true
		}
	}
	return 0, false
}

// reload is the longest time between two looks that a line of the plugin reload asks for.
func (d Directive) reload() time.Duration {
	every, jitter := 30*time.Second, 15*time.Second // the defaults of the plugin
	for i, to := range []*time.Duration{&every, &jitter} {
		if i < len(d.Args) {
			if given, err := time.ParseDuration(d.Args[i]); err == nil {
				*to = given
			}
		}
	}
	return every + min(jitter, every/2)/2
}

// Add gives the Corefile with lines at the beginning of server blocks, where they come before others of their kind, and more blocks
// at the end. Everything else stays byte for byte.
func (f *File) Add(inside map[int]string, after string) string {
	var out strings.Builder
	last := 0
	for _, i := range slices.Sorted(maps.Keys(inside)) {
		at := f.Blocks[i].inside
		out.WriteString(f.text[last:at])
		out.WriteString(inside[i])
		last = at
	}
	out.WriteString(f.text[last:])
	if !strings.HasSuffix(f.text, "\n") {
		out.WriteString("\n")
	}
	out.WriteString(after)
	return out.String()
}
