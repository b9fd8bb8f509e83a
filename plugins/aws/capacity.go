package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// seized is how many of something are made in one place.
type seized struct {
	Subnet string `json:"subnet,omitempty"`
	Count  int    `json:"count"`
}

// mostTaken bounds one fault, whatever the quota: each takes a call to make, and one to remove.
const mostTaken = 1000

// tagFull is put on the first of what was made when AWS refused to make more. Its value is AWS's code.
const tagFull = "gameday:limit-reached"

// capacity is a kind of thing that a quota counts.
type capacity struct {
	name, target, noun string
	service, quota     string
	full               []string // codes of AWS's refusal
	needs              []need
	// ours lists what this fault made in a place; all lists what any fault made.
	list func(context.Context, *site, []types.Filter) ([]made, error)
	// make makes the nth, or finds it made already; dry only asks.
	make   func(ctx context.Context, s *site, m mark, u seized, n int, dry bool) (string, error)
	remove func(context.Context, *site, string) error
}

// made is one thing that the fault made.
type made struct {
	id, subnet, user string
	tags             map[string]string
}

func (k capacity) part() part {
	return newPart(kind[seized]{
		name: k.name, slow: 10 * time.Minute,
		attributes: []sdk.Attribute{
			{Name: "most", Type: sdk.Number, Doc: fmt.Sprintf("The most to take for each target, up to %d. This or leave is required.", mostTaken)},
			{Name: "leave", Type: sdk.Number, Doc: "How much of the quota to leave free. Service Quotas says what the quota is."},
		},
		needs: slices.Concat(k.needs, quotaNeeds()),
		plan:  k.plan, look: k.look, inject: k.inject, revert: k.revert, find: k.find,
		tryOut: func(ctx context.Context, s *site, u seized) error {
			_, err := k.make(ctx, s, mark{}, u, 0, true)
			return err
		},
	})
}

func (k capacity) item(s *site, u seized, room string) item[seized] {
	arn, name := s.arn("ec2", "elastic-ip/*"), s.region
	show := "describe-addresses, and release-address"
	if u.Subnet != "" {
		arn, name, show = s.arn("ec2", "subnet/"+u.Subnet), u.Subnet, "describe-network-interfaces, and delete-network-interface"
	}
	return item[seized]{
		arn: arn, name: k.noun + " in " + name, before: "none of this fault", made: fmt.Sprintf("%d of this fault, or as many as AWS gives", u.Count), undo: u,
		effect: fmt.Sprintf("take %d %s in %s; %s", u.Count, k.noun, name, room),
		byHand: fmt.Sprintf("aws ec2 with --filters Name=tag-key,Values=%s: %s for each", tagHandle, show),
	}
}

// room says how much of the quota is left, as far as that is known.
func (k capacity) room(ctx context.Context, s *site) (*headroom, string) {
	h, err := s.headroom(ctx, k.service, k.quota, "")
	if err != nil {
		return nil, fmt.Sprintf("the quota %s is not known (%s)", k.quota, codeOr(err))
	}
	return &h, h.String()
}

func (k capacity) plan(ctx context.Context, s *site, a ask) ([]item[seized], []sdk.Problem, error) {
	if a.target.Type != k.target {
		return nil, nil, nil
	}
	var c struct {
		Most  *int `json:"most"`
		Leave *int `json:"leave"`
	}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	u := seized{Count: mostTaken}
	if k.target == "aws_subnet" {
		u.Subnet = resourceOf(a.target.ID)
	}
	switch {
	case c.Most == nil && c.Leave == nil:
		return nil, []sdk.Problem{problem("most", "The fault does not say how much to take", "Set most, leave or both.")}, nil
	case c.Most != nil && (*c.Most < 1 || *c.Most > mostTaken):
		return nil, []sdk.Problem{problem("most", fmt.Sprintf("The most to take is %d, and must be between 1 and %d", *c.Most, mostTaken), "Take less.")}, nil
	case c.Leave != nil && *c.Leave < 0:
		return nil, []sdk.Problem{problem("leave", "What is left cannot be less than nothing", "0 uses the quota up.")}, nil
	}
	if c.Most != nil {
		u.Count = *c.Most
	}
	h, room := k.room(ctx, s)
	if c.Leave != nil {
		if h == nil {
			return nil, []sdk.Problem{problem("leave", "How much to take cannot be told: "+room, "Set most instead.")}, nil
		}
		if u.Count = min(u.Count, int(h.left())-*c.Leave); u.Count < 1 {
			return nil, []sdk.Problem{warning("leave", fmt.Sprintf("No more than %d %s are left already", *c.Leave, k.noun), room+". Nothing is seized.")}, nil
		}
	}
	return []item[seized]{k.item(s, u, room)}, nil, nil
}

// ours lists what this fault has made in a place.
func (k capacity) ours(ctx context.Context, s *site, m mark, u seized) ([]made, error) {
	filters := ec2Filters("tag:"+tagHandle, m.handleTag())
	if u.Subnet != "" {
		filters = append(filters, ec2Filters("subnet-id", u.Subnet)...)
	}
	return k.list(ctx, s, filters)
}

func (k capacity) look(ctx context.Context, s *site, m mark, u seized) (view, error) {
	all, err := k.ours(ctx, s, m, u)
	if err != nil || len(all) == 0 {
		return is(before, "none of this fault"), err
	}
	i := slices.IndexFunc(all, func(one made) bool { return one.tags[tagFull] != "" })
	if len(all) < u.Count && i < 0 {
		return is(partly, "%d of this fault", len(all)), nil
	}
	says := fmt.Sprintf("%d of this fault", len(all))
	if i >= 0 {
		says += ", and AWS gave no more (" + all[i].tags[tagFull] + ")"
	}
	_, room := k.room(ctx, s)
	return is(ours, "%s; %s", says, room), nil
}

// inject takes one after the other, until there are enough or AWS refuses.
func (k capacity) inject(ctx context.Context, s *site, m mark, u seized) error {
	all, err := k.ours(ctx, s, m, u)
	if err != nil {
		return err
	}
	var first string
	if len(all) > 0 {
		first = all[0].id
	}
	for n := len(all); n < u.Count; n++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		id, err := k.make(ctx, s, m, u, n, false)
		switch code := codeOf(err); {
		case slices.Contains(k.full, code) && first == "":
			return fmt.Errorf("AWS gives none at all, since the quota was used up before: %w", err)
		case slices.Contains(k.full, code):
			_, err := s.ec2().CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{first}, Tags: ec2TagList(map[string]string{tagFull: code})})
			return err
		case err != nil:
			return fmt.Errorf("taking number %d of %d: %w", n+1, u.Count, err)
		case first == "":
			first = id
		}
	}
	return nil
}

// revert removes what nobody uses. What somebody has taken into use is not taken away.
func (k capacity) revert(ctx context.Context, s *site, m mark, u seized) error {
	all, err := k.ours(ctx, s, m, u)
	if err != nil {
		return err
	}
	return errors.Join(each(len(all), func(i int) error {
		if all[i].user != "" {
			return fmt.Errorf("conflict: %s was made by this fault and is in use now (%s): release it, and undo again", all[i].id, all[i].user)
		}
		if err := k.remove(ctx, s, all[i].id); err != nil && !missing(err) {
			return fmt.Errorf("removing %s: %w", all[i].id, err)
		}
		return nil
	})...)
}

// find finds what any fault has made, one leftover for each fault and place.
func (k capacity) find(ctx context.Context, s *site) ([]leftover[seized], error) {
	all, err := k.list(ctx, s, ec2Filters("tag:"+tagFault, "aws_capacity_taken"))
	if err != nil {
		return nil, err
	}
	counts := map[seized]map[mark]int{}
	for _, one := range all {
		place := seized{Subnet: one.subnet}
		if counts[place] == nil {
			counts[place] = map[mark]int{}
		}
		counts[place][markOfTags(one.tags)]++
	}
	var out []leftover[seized]
	for place, marks := range counts {
		for m, n := range marks {
			place.Count = n
			out = append(out, leftover[seized]{mark: m, item: k.item(s, place, "found by sweep")})
		}
	}
	return out, nil
}
