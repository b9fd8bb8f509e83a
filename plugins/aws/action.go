package aws

import (
	"context"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// step is an action: one step of a runbook, such as a failover. An action that is to be undone says so in its block, in the words of
// the same action, so every step is written such that it can be taken in the other direction, and twice.
type step struct {
	name, doc  string
	attributes []sdk.Attribute
	blocks     []sdk.Block
	needs      []need
	// check finds what is wrong with the block, and what is missing. It changes nothing.
	check func(context.Context, *site, sdk.Request) ([]sdk.Problem, error)
	// run returns when the step has taken effect, with one line for people.
	run func(context.Context, *site, sdk.Request) (string, error)
}

// steps are all actions of the plugin.
func steps() []step {
	return []step{route53Weights(), routingControl(), regionSwitch(), auroraFailover()}
}

// taken is a step in the hands of a provider: the implementation of sdk.Action.
type taken struct {
	*provider
	step
}

// Schema describes the attributes of the action's block.
func (t *taken) Schema() sdk.Schema {
	return sdk.Schema{Doc: t.doc, Attributes: t.attributes, Blocks: t.blocks}
}

func (t *taken) permissions() []need { return t.needs }

// Check asks for the account, the block and the permissions.
func (t *taken) Check(ctx context.Context, req sdk.Request) ([]sdk.Problem, error) {
	s, err := t.site(ctx, "")
	if err != nil {
		return nil, err
	}
	if err := t.allowed(s.account); err != nil {
		return []sdk.Problem{problem("", fmt.Sprintf("Nothing may be changed in the account %s", s.account), err.Error())}, nil
	}
	out, err := t.check(ctx, s, req)
	if denied := deniedProblem(s, err); denied != nil {
		denied.Path = nil
		return append(out, *denied), nil
	}
	if err != nil || sdk.HasErrors(out) {
		return out, err
	}
	wanted := grants{}
	for _, n := range t.needs {
		wanted.add(n, n.fill(s.partition, s.region, s.account, ""))
	}
	rights, note, err := s.simulated(ctx, wanted)
	for _, p := range rights {
		p.Path = nil
		out = append(out, p)
	}
	if note != "" {
		out = append(out, warning("", "What "+t.name+" needs was not checked", note))
	}
	return out, err
}

// Run takes the step.
func (t *taken) Run(ctx context.Context, req sdk.Request) (string, error) {
	s, err := t.site(ctx, "")
	if err != nil {
		return "", err
	}
	if err := t.allowed(s.account); err != nil {
		return "", err
	}
	return t.run(ctx, s, req)
}
