package lang

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Draft evaluates the scenario. outputs are the values of plugin.KEY.NAME. With nil they count as unknown values of
// the types that the plugins describe: everything is type-checked all the same, and the draft has gaps.
func (m *Module) Draft(outputs map[string]map[string]cty.Value) (*plan.Draft, hcl.Diagnostics) {
	draft := m.draft
	draft.Secrets = maps.Clone(m.draft.Secrets)
	ev := m.l.newEvaluator(&draft, outputs)
	root := ev.newScope(m.root, "", m.vars)
	draft.Dir = m.root.abs
	draft.Plugins = slices.Clone(m.plugins)
	draft.Variables = ev.plainVariables(m.vars)
	ev.scenario(root)
	ev.projectLimits()
	ev.projectNotify()
	ev.run(root)
	ev.finish()
	draft.Files = m.l.fileList()
	return &draft, m.l.tidy(m.l.sound(ev.diags))
}

func (l *loader) newEvaluator(draft *plan.Draft, outputs map[string]map[string]cty.Value) *evaluator {
	return &evaluator{l: l, outputs: outputs, draft: draft, tierUse: map[string]tierFigures{}}
}

// run evaluates every block of a scope, in the order of the files.
func (ev *evaluator) run(s *scope) {
	if s.ran {
		return
	}
	s.ran = true
	faults, actions := len(ev.draft.Faults), len(ev.draft.Actions)
	for _, d := range s.src.decls {
		switch {
		case ev.full:
			return
		case d.kind == nil:
			s.local(d) // also those that nothing refers to, for their mistakes
		case d.inCycle:
		case d.kind.name == "experiment":
			for _, kid := range s.experiments(d) {
				ev.run(kid)
				s.steps = append(s.steps, kid.steps...)
			}
		default:
			s.block(d)
		}
	}
	s.shift(faults, actions)
}

// block evaluates every instance of a block into its part of the draft.
func (s *scope) block(d *decl) {
	into := map[string]func(*body){
		"target": (*body).target, "probe": (*body).probe, "slo": (*body).slo, "ledger": (*body).ledger, "alert": (*body).alert,
		"fault": (*body).fault, "action": (*body).action, "objective": (*body).objective, "guard": (*body).guard, "limit": (*body).limit,
		"output": (*body).output, "notify": (*body).notify, "incident": (*body).incident,
	}[d.kind.name]
	if into == nil {
		return
	}
	for _, inst := range s.instances(d) {
		into(s.decode(d, inst))
	}
}

// scenario reads the scenario block, and the tiers, which objectives look into.
func (ev *evaluator) scenario(root *scope) {
	for _, d := range ev.l.tiers {
		s := root
		if d.project {
			s = ev.newScope(ev.l.project.src, "", nil)
		}
		b := s.decode(d, instance{addr: d.key})
		ev.tierUse[d.key] = tierFigures{rto: b.optional("rto"), rpo: b.optional("rpo"), within: b.optional("detect")}
	}
	found := root.src.ofKind("scenario")
	if len(found) == 0 {
		return
	}
	b := root.decode(found[0], instance{addr: found[0].key})
	ev.tierName = b.ref("tier")
	out := plan.Scenario{
		Name: b.d.name, Title: b.str("title"), Hypothesis: b.str("hypothesis"), Owner: b.str("owner"), Service: b.str("service"),
		Environment: b.str("environment"), Tags: b.list("tags"), Baseline: b.positive("baseline"), Recovery: b.positive("recovery"), Pos: b.pos(),
	}
	if ev.tierName != "" {
		out.Tier = ev.tierName[len("tier."):]
	}
	b.checkTier("tier", ev.tierName)
	b.checkEnvironment(out.Environment)
	ev.draft.Scenario = out
}

// checkTier reports a tier that does not exist. Where none is declared at all, a scenario's tier is just a word.
func (b *body) checkTier(attr, addr string) {
	tiers := b.s.ev.l.tiers
	if addr == "" || len(tiers) == 0 && b.d.kind.name == "scenario" || b.s.ev.l.rootBroken() {
		return
	}
	name := addr[len("tier."):]
	if _, ok := tiers[name]; !ok {
		b.fail(attr, fmt.Sprintf("There is no tier %q", clip(name)), "%s", orElse(didYouMean(name, keys(tiers)), "Declare it: tier \""+clip(name)+"\" { rto = \"15s\" }"))
	}
}

func (b *body) checkEnvironment(name string) {
	p := b.s.ev.l.project
	if p == nil || len(p.environments) == 0 || name == "default" || name == "" || p.environments[name] != nil {
		return
	}
	b.fail("environment", fmt.Sprintf("There is no environment %q", clip(name)), "The project file %s declares environments, and this is none of them. %s", p.shown, didYouMean(name, keys(p.environments)))
}

// pos is a place as the plan shows it: relative to the scenario's directory, the same wherever the command is run.
func (ev *evaluator) pos(r hcl.Range) plan.Pos {
	return plan.Pos{File: ev.l.shown(r.Filename), Line: r.Start.Line}
}
