package aws

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// records of one name and type that are changed. Route 53 has no clock for that: when every process of ours dies at once they stay
// as they are until gameday recover or gameday sweep, which finds what was there before in the mark.
type recordChange struct {
	recordID
	Sets []json.RawMessage `json:"sets"`           // as they were
	Made []json.RawMessage `json:"made,omitempty"` // as the fault makes them
}

// recordSettings are the attributes of the fault.
type recordSettings struct {
	Mode   string   `json:"mode"`
	Answer []string `json:"answer"`
	TTL    int64    `json:"ttl"`
}

// mostRecords bounds the records of one fault: Route 53 takes five calls in a second.
const mostRecords = 100

func recordChanged() fault {
	return single(recordChangedPart(), "Changes records of Route 53: they are gone, have a wrong answer, or live longer or shorter in caches. Beside each one stands a TXT record meanwhile, "+
		"which says what was there before; what is changed back by somebody else is left to them. Resolvers go on with what they have cached. If every process of gameday dies at once the records stay changed, until gameday recover or gameday sweep.",
		"aws_record", "aws_hosted_zone")
}

func recordChangedPart() part {
	return newPart(kind[recordChange]{
		name: "aws_record_changed", shelf: recordShelf(), slow: 10 * time.Minute, global: true, about: "arn:{partition}:route53:::hostedzone/*",
		attributes: []sdk.Attribute{
			{Name: "mode", Type: sdk.String, Default: "delete", OneOf: []string{"delete", "answer", "ttl"}, Doc: "delete takes the records away; answer puts one wrong one in their place; ttl changes how long they are cached."},
			{Name: "answer", Type: sdk.StringList, Doc: "With mode answer: the values that the record has meanwhile, such as 192.0.2.1."},
			{Name: "ttl", Type: sdk.Number, Doc: "Seconds. With mode ttl: the time to live meanwhile. With mode answer: that of the wrong answer, by default as before, and 60 for an alias."},
		},
		needs: append(reading("route53:ListHostedZones", "route53:ListTagsForResources"), changing([]string{"arn:{partition}:route53:::change/*"}, "route53:GetChange")...),
		plan:  planRecords,
		look: func(ctx context.Context, s *site, _ mark, u recordChange) (view, error) {
			sets, err := s.recordsOf(ctx, u.recordID)
			if missing(err) {
				return is(gone, "the hosted zone %s does not exist any more", u.Zone), nil
			}
			return now("%s", words(sets)), err
		},
		inject: func(ctx context.Context, s *site, _ mark, u recordChange) error {
			return s.exchangeRecords(ctx, u.Zone, u.Sets, u.Made)
		},
		revert: func(ctx context.Context, s *site, _ mark, u recordChange) error {
			return s.exchangeRecords(ctx, u.Zone, u.Made, u.Sets)
		},
		spread: func(ctx context.Context, s *site, u recordChange) (bool, error) {
			return s.everywhereKnown(ctx, u.Zone)
		},
		remember: rememberRecord,
	})
}

func (s *site) exchangeRecords(ctx context.Context, zone string, take, put []json.RawMessage) error {
	was, err := expand(take)
	if err != nil {
		return err
	}
	will, err := expand(put)
	if err != nil {
		return err
	}
	return s.changeRecords(ctx, zone, was, will)
}

func expand(raw []json.RawMessage) ([]types.ResourceRecordSet, error) {
	var out []types.ResourceRecordSet
	for _, r := range raw {
		var set types.ResourceRecordSet
		if err := json.Unmarshal(r, &set); err != nil {
			return nil, fmt.Errorf("reading a record set: %w", err)
		}
		out = append(out, set)
	}
	return out, nil
}

func planRecords(ctx context.Context, s *site, a ask) ([]item[recordChange], []sdk.Problem, error) {
	var c recordSettings
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	if problems := c.check(); len(problems) > 0 {
		return nil, problems, nil
	}
	ids := []recordID{recordOfARN(a.target.ID)}
	if a.target.Type == "aws_hosted_zone" {
		var err error
		if ids, err = s.recordIDs(ctx, resourceOf(a.target.ID), dnsName(a.target.Name)); err != nil {
			return nil, nil, err
		}
	}
	if len(ids) > mostRecords {
		return nil, []sdk.Problem{problem("targets", fmt.Sprintf("%s has %d records, and one fault changes %d at most", a.target.Name, len(ids), mostRecords), "Choose records with a target aws_record.")}, nil
	}
	var out []item[recordChange]
	var problems []sdk.Problem
	for _, id := range ids {
		sets, err := s.recordsOf(ctx, id)
		if err != nil {
			return nil, problems, err
		}
		one, p, err := c.change(s, id, sets)
		if err != nil {
			return nil, problems, err
		}
		if p != nil {
			problems = append(problems, *p)
			continue
		}
		out = append(out, one)
	}
	return out, problems, nil
}

// check finds what is wrong with the block whatever the record.
func (c recordSettings) check() []sdk.Problem {
	var out []sdk.Problem
	if c.TTL < 0 || c.TTL > 1<<31-1 {
		out = append(out, problem("ttl", "A time to live has between 0 and 2147483647 seconds", "Write the seconds, such as 60."))
	}
	if c.Mode == "answer" && len(c.Answer) == 0 {
		out = append(out, problem("answer", "The mode answer needs an answer", `Write what the records should say, such as answer = ["192.0.2.1"].`))
	}
	if c.Mode != "answer" && len(c.Answer) > 0 {
		out = append(out, problem("answer", "The mode "+c.Mode+" has no answer", `Leave it out, or write mode = "answer".`))
	}
	if c.Mode == "ttl" && c.TTL == 0 {
		out = append(out, problem("ttl", "The mode ttl needs a time to live", "Write the seconds, such as ttl = 1."))
	}
	if c.Mode == "delete" && c.TTL != 0 {
		out = append(out, problem("ttl", "A record that is gone has no time to live", "Leave it out. How long resolvers remember that a name does not exist is in the zone's SOA record."))
	}
	return out
}

// change is what is made of the record sets of one name and type.
func (c recordSettings) change(s *site, id recordID, sets []types.ResourceRecordSet) (item[recordChange], *sdk.Problem, error) {
	no := func(path, summary, detail string) (item[recordChange], *sdk.Problem, error) {
		p := problem(path, summary, detail)
		return item[recordChange]{}, &p, nil
	}
	if len(sets) == 0 {
		return no("targets", id.String()+" is gone", "Plan again.")
	}
	if slices.ContainsFunc(sets, func(set types.ResourceRecordSet) bool { return set.TrafficPolicyInstanceId != nil }) {
		return no("targets", id.String()+" belongs to a traffic policy, which alone may change it", "Choose other records.")
	}
	if bad := wrongAnswer(id.Type, c.Answer); bad != "" {
		return no("answer", fmt.Sprintf("%q is no answer for %s", bad, id), "An A record has IPv4 addresses, an AAAA record IPv6 addresses, and a CNAME record one name.")
	}
	made, why := c.made(id, sets)
	if why != "" {
		return no("mode", id.String()+" "+why, "Choose other records, or another mode.")
	}
	if words(made) == words(sets) {
		return no("mode", id.String()+" is so already", "Choose another answer or time to live.")
	}
	one, err := recordItem(s, id, sets, made)
	return one, nil, err
}

func wrongAnswer(typ string, values []string) string {
	for i, v := range values {
		ip, err := netip.ParseAddr(v)
		switch {
		case typ == "A" && (err != nil || !ip.Is4()), typ == "AAAA" && (err != nil || !ip.Is6()), typ == "CNAME" && i > 0:
			return v
		}
	}
	return ""
}

// made are the record sets as the fault makes them.
func (c recordSettings) made(id recordID, sets []types.ResourceRecordSet) (out []types.ResourceRecordSet, why string) {
	switch c.Mode {
	case "answer":
		var values []types.ResourceRecord
		for _, v := range c.Answer {
			values = append(values, types.ResourceRecord{Value: new(v)})
		}
		ttl := cmp.Or(c.TTL, awssdk.ToInt64(sets[0].TTL), 60)
		return []types.ResourceRecordSet{{Name: new(id.Name), Type: types.RRType(id.Type), TTL: new(ttl), ResourceRecords: values}}, ""
	case "ttl":
		for _, set := range sets {
			if set.AliasTarget != nil {
				return nil, "is an alias, and has no time to live of its own"
			}
			set.TTL = new(c.TTL)
			out = append(out, set)
		}
	}
	return out, ""
}

// recordItem is a change of the record sets of one name and type.
func recordItem(s *site, id recordID, sets, made []types.ResourceRecordSet) (item[recordChange], error) {
	u := recordChange{recordID: id}
	var undo []string
	for _, set := range sets {
		raw, err := compact(set)
		if err != nil {
			return item[recordChange]{}, err
		}
		u.Sets = append(u.Sets, raw)
		undo = append(undo, `{"Action":"CREATE","ResourceRecordSet":`+string(raw)+`}`)
	}
	for _, set := range made {
		raw, err := compact(set)
		if err != nil {
			return item[recordChange]{}, err
		}
		u.Made = append(u.Made, raw)
		undo = append([]string{`{"Action":"DELETE","ResourceRecordSet":` + string(raw) + `}`}, undo...)
	}
	note, err := json.Marshal(u)
	cached := awssdk.ToInt64(sets[0].TTL)
	return item[recordChange]{
		arn: id.arn(s), name: id.String(), before: words(sets), made: words(made), note: base64.RawStdEncoding.EncodeToString(note), undo: u,
		effect: fmt.Sprintf("in the hosted zone %s, %s becomes %s (it is %s); resolvers may have the old answer in their caches for %ds more", id.Zone, id, words(made), words(sets), cached),
		byHand: fmt.Sprintf("aws route53 change-resource-record-sets --hosted-zone-id %s --change-batch '{\"Changes\":[%s]}', and delete the TXT record %s", id.Zone, strings.Join(undo, ","), shownName(id.mark())),
	}, err
}

// rememberRecord makes the item again from a mark.
func rememberRecord(arn, note string) (item[recordChange], bool) {
	var u recordChange
	raw, err := base64.RawStdEncoding.DecodeString(note)
	if err != nil || json.Unmarshal(raw, &u) != nil || len(u.Sets) == 0 {
		return item[recordChange]{}, false
	}
	was, err := expand(u.Sets)
	if err != nil {
		return item[recordChange]{}, false
	}
	will, err := expand(u.Made)
	if err != nil {
		return item[recordChange]{}, false
	}
	of := strings.Split(arn, ":")
	one, err := recordItem(&site{identity: identity{partition: of[1]}}, u.recordID, was, will)
	return one, err == nil
}
