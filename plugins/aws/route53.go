package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// spreading makes the changes of this process in each hosted zone one after the other, as Route 53 wants them, and knows the last
// one. Route 53 shows a change to whoever lists records at
// once, and only its ID tells when every name server knows it.
type spreading struct {
	zones locks
	mu    sync.Mutex
	last  map[string]string
}

func (p *spreading) began(zone, change string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil {
		p.last = map[string]string{}
	}
	p.last[zone] = change
}

func (p *spreading) of(zone string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last[zone]
}

// everywhereKnown says whether every name server of the zone knows the last change of this process. A zone's changes arrive in order.
func (s *site) everywhereKnown(ctx context.Context, zone string) (bool, error) {
	id := s.spreading.of(zone)
	if id == "" {
		return true, nil
	}
	out, err := s.route53().GetChange(ctx, &route53.GetChangeInput{Id: new(id)})
	if err != nil {
		return false, fmt.Errorf("asking how far the change %s has spread: %w", id, err)
	}
	return out.ChangeInfo.Status == types.ChangeStatusInsync, nil
}

// changeRecords takes record sets away and puts others there, in one batch that is carried out whole or not at all. A record
// set that is not exactly as given is not taken away: then somebody else changed it, and the batch is refused.
func (s *site) changeRecords(ctx context.Context, zone string, take, put []types.ResourceRecordSet) error {
	batch := &types.ChangeBatch{Comment: new("gameday")}
	for _, set := range take {
		batch.Changes = append(batch.Changes, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: &set})
	}
	for _, set := range put {
		batch.Changes = append(batch.Changes, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: &set})
	}
	defer s.spreading.zones.lock(zone)()
	out, err := s.route53().ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{HostedZoneId: new(zone), ChangeBatch: batch})
	if err != nil {
		return err
	}
	s.spreading.began(zone, awssdk.ToString(out.ChangeInfo.Id))
	return nil
}

// recordSets lists the record sets of a zone, from a name on and for as long as more says so. No name: from the first one.
func (s *site) recordSets(ctx context.Context, zone, from string, more func(types.ResourceRecordSet) bool) ([]types.ResourceRecordSet, error) {
	in := &route53.ListResourceRecordSetsInput{HostedZoneId: new(zone)}
	if from != "" {
		in.StartRecordName = new(from)
	}
	var out []types.ResourceRecordSet
	for {
		page, err := s.route53().ListResourceRecordSets(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("listing the records of the hosted zone %s: %w", zone, err)
		}
		for _, set := range page.ResourceRecordSets {
			if !more(set) {
				return out, nil
			}
			out = append(out, set)
		}
		if !page.IsTruncated {
			return out, nil
		}
		in.StartRecordName, in.StartRecordType, in.StartRecordIdentifier = page.NextRecordName, page.NextRecordType, page.NextRecordIdentifier
	}
}

// recordsOf are the record sets of one name and type: one, or several that are weighted, for failover, and so on.
func (s *site) recordsOf(ctx context.Context, r recordID) ([]types.ResourceRecordSet, error) {
	all, err := s.recordSets(ctx, r.Zone, r.Name, func(set types.ResourceRecordSet) bool { return awssdk.ToString(set.Name) == r.Name })
	return slices.DeleteFunc(all, func(set types.ResourceRecordSet) bool { return string(set.Type) != r.Type }), err
}

// dnsName is a name as Route 53 lists it.
func dnsName(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, ".")) + "."
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		name = `\052.` + rest
	}
	return name
}

// shownName is a name as people write it.
func shownName(name string) string {
	return strings.Replace(strings.TrimSuffix(name, "."), `\052`, "*", 1)
}

// compact is a record set as JSON with nothing in it that is not set.
func compact(set types.ResourceRecordSet) (json.RawMessage, error) {
	raw, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("writing a record set down: %w", err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("writing a record set down: %w", err)
	}
	for k, v := range all {
		if v == nil || v == "" {
			delete(all, k)
		}
	}
	return json.Marshal(all)
}

// words describes the record sets of one name and type, so that what is the same reads the same.
func words(sets []types.ResourceRecordSet) string {
	if len(sets) == 0 {
		return "absent"
	}
	var out []string
	for _, set := range sets {
		out = append(out, wordsOf(set))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

func wordsOf(set types.ResourceRecordSet) string {
	var out []string
	say := func(name string, set bool, value any) {
		if set {
			out = append(out, fmt.Sprintf("%s %v", name, value))
		}
	}
	say("set", set.SetIdentifier != nil, awssdk.ToString(set.SetIdentifier))
	say("weight", set.Weight != nil, awssdk.ToInt64(set.Weight))
	say("failover", set.Failover != "", set.Failover)
	say("region", set.Region != "", set.Region)
	for _, place := range []any{set.GeoLocation, set.GeoProximityLocation, set.CidrRoutingConfig} {
		if raw, err := json.Marshal(place); err == nil {
			say("for", string(raw) != "null", string(raw))
		}
	}
	say("multivalue", awssdk.ToBool(set.MultiValueAnswer), "")
	say("health check", set.HealthCheckId != nil, awssdk.ToString(set.HealthCheckId))
	if a := set.AliasTarget; a != nil {
		say("alias of", true, shownName(cmp.Or(awssdk.ToString(a.DNSName), ".")))
		say("in", true, awssdk.ToString(a.HostedZoneId))
		say("evaluated", a.EvaluateTargetHealth, "")
	}
	var values []string
	for _, r := range set.ResourceRecords {
		values = append(values, awssdk.ToString(r.Value))
	}
	slices.Sort(values)
	out = append(out, values...)
	say("ttl", set.TTL != nil, awssdk.ToInt64(set.TTL))
	return strings.TrimSpace(strings.Join(out, " "))
}
