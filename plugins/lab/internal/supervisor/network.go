package supervisor

import (
	"slices"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/fabric"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/names"
)

// The network and the DNS failures are functions of the fault records: whatever is changed, both are computed anew. So
// two faults cannot undo each other's work, and a record that is gone leaves nothing behind.

// applyNetwork gives every link the rule that the records ask for.
func (s *Supervisor) applyNetwork() { s.fabric.Each(s.rule) }

// rule is what the records make of one link.
func (s *Supervisor) rule(link fabric.Spec) fabric.Rule {
	var rule fabric.Rule
	between := isBetweenRegions(link)
	if between {
		rule.Delay = s.lab.Settings.LinkDelay
	}
	for _, r := range s.faults.inForce() {
		switch {
		case r.Kind == control.ZoneIsolation && (slices.Contains(r.Targets, link.From) || slices.Contains(r.Targets, link.To)):
			rule.Block = worse(rule.Block, fabric.Block(r.Mode))
		case r.Kind == control.ZoneLatency && isFront(link) && slices.Contains(r.Targets, link.To):
			rule.Delay += r.Delay / 2 // half on the way there, half on the way back
		case r.Kind == control.LinkLatency && between:
			rule.Delay += r.Delay
			rule.Block = worse(rule.Block, cut(r))
		case r.Kind == control.RegionOutage && between:
			rule.Block = worse(rule.Block, cut(r))
		}
	}
	return rule
}

func isFront(link fabric.Spec) bool { return link.From == edgeOf(layout.RegionOf(link.To)) }

func isBetweenRegions(link fabric.Spec) bool {
	return layout.RegionOf(link.From) != layout.RegionOf(link.To)
}

func cut(r control.Record) fabric.Block {
	if r.Cut {
		return fabric.Drop
	}
	return fabric.Open
}

// worse prefers a network that says nothing to one that says no.
func worse(a, b fabric.Block) fabric.Block {
	if a == fabric.Drop || b == fabric.Drop {
		return fabric.Drop
	}
	if a == fabric.Refuse || b == fabric.Refuse {
		return fabric.Refuse
	}
	return fabric.Open
}

// linkCut says whether the regions cannot reach each other.
func (s *Supervisor) linkCut() bool {
	for _, r := range s.faults.inForce() {
		if r.Cut {
			return true
		}
	}
	return false
}

// dnsFailures is what the records make of the DNS.
func (s *Supervisor) dnsFailures() map[string]names.Failure {
	out := map[string]names.Failure{}
	for _, r := range s.faults.inForce() {
		if r.Kind != control.DNSFailure {
			continue
		}
		for _, name := range r.Targets {
			out[name] = names.Failure{Mode: names.Mode(r.Mode), Delay: r.Delay, Address: r.Address}
		}
	}
	return out
}
