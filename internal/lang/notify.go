package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// moments are when something can be told.
var moments = []string{"start", "abort", "end"}

func (b *body) notify() {
	n := plan.Notify{Addr: b.inst.addr, Type: b.d.typ, On: b.list("on"), Config: b.conf, Pos: b.pos()}
	for _, m := range n.On {
		if !slices.Contains(moments, m) {
			b.fail("on", fmt.Sprintf("There is no moment %q", clip(m)), "%s", orElse(suggestion(m, moments), "Choose among "+strings.Join(moments, ", ")+"."))
		}
	}
	if !b.given("on") {
		n.On = moments
	}
	b.s.ev.draft.Notify = append(b.s.ev.draft.Notify, n)
}

// notifyBlock registers a notify block of the project file. Commands that look at many runs know no types, and need none.
func (l *loader) notifyBlock(p *project, b *hcl.Block) {
	types := l.opts.Catalog.Notifies
	if types == nil {
		return
	}
	d := &decl{kind: kindOf("notify"), typ: b.Labels[0], name: b.Labels[1], block: b, rng: b.DefRange, key: address("notify", b.Labels[0], b.Labels[1]), project: true}
	if _, ok := types[d.typ]; !ok {
		l.add(fail(&b.LabelRanges[0], fmt.Sprintf("There is no notify of type %q", clip(d.typ)), "%s", didYouMean(d.typ, keys(types))))
		return
	}
	l.register(p.src, d)
	if p.src.byKey[d.key] != d {
		return
	}
	d.spec = l.specFor(d, "project", types[d.typ])
	l.shape(d, d.spec.all)
	l.standsByItself(d)
	p.notifies = append(p.notifies, d)
}

// projectNotify adds those of the project file to the scenario's.
func (ev *evaluator) projectNotify() {
	p := ev.l.project
	if p == nil {
		return
	}
	s := ev.newScope(p.src, "project.", nil)
	for _, d := range p.notifies {
		s.decode(d, instance{addr: s.prefix + d.key}).notify()
	}
}
