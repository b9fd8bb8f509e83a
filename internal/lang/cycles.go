package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// checkCycles reports every group of declarations that wait for each other, once, with all its members. Their values
// are unknown from then on, so that a cycle causes no other mistakes.
func (l *loader) checkCycles(src *source) {
	t := &tarjan{index: map[*decl]int{}, low: map[*decl]int{}, onStack: map[*decl]bool{}}
	for _, d := range src.decls {
		if t.index[d] == 0 {
			t.visit(d)
		}
	}
	for _, group := range t.cycles {
		slices.SortFunc(group, func(a, b *decl) int { return comparePlace(a.rng, b.rng) })
		var members []string
		for _, d := range group {
			d.inCycle = true
			members = append(members, fmt.Sprintf("%s (%s)", d.key, place(d.rng)))
		}
		rng := group[0].rng
		summary := "These blocks refer to each other in a circle"
		if len(group) == 1 {
			summary = fmt.Sprintf("%s refers to itself", group[0].key)
		}
		for _, u := range group[0].uses {
			if slices.Contains(group, u.decl) {
				rng = u.rng
				break
			}
		}
		l.add(fail(&rng, summary, "Members: %s. None of them can come first; remove one of the references.", strings.Join(members, ", ")))
	}
}

func comparePlace(a, b hcl.Range) int {
	if c := strings.Compare(a.Filename, b.Filename); c != 0 {
		return c
	}
	return a.Start.Byte - b.Start.Byte
}

// tarjan finds strongly connected components. The recursion is as deep as the longest chain of references, which is
// bounded by the number of blocks.
type tarjan struct {
	n       int
	index   map[*decl]int
	low     map[*decl]int
	onStack map[*decl]bool
	stack   []*decl
	cycles  [][]*decl
}

func (t *tarjan) visit(d *decl) {
	t.n++
	t.index[d], t.low[d] = t.n, t.n
	t.stack, t.onStack[d] = append(t.stack, d), true
	self := false
	for _, u := range d.uses {
		self = self || u.decl == d
		if t.index[u.decl] == 0 {
			t.visit(u.decl)
			t.low[d] = min(t.low[d], t.low[u.decl])
		} else if t.onStack[u.decl] {
			t.low[d] = min(t.low[d], t.index[u.decl])
		}
	}
	if t.low[d] != t.index[d] {
		return
	}
	at := slices.Index(t.stack, d)
	group := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, g := range group {
		t.onStack[g] = false
	}
	if len(group) > 1 || self {
		t.cycles = append(t.cycles, group)
	}
}
