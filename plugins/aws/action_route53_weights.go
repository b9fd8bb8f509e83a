package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// weighing is what the block says.
type weighing struct {
	Zone    string            `json:"zone"`
	Name    string            `json:"name"`
	Type    string            `json:"type"`
	Weights map[string]string `json:"weights"`
	Primary string            `json:"primary"`
}

func route53Weights() step {
	zone := []string{"arn:{partition}:route53:::hostedzone/*"}
	return step{
		name: "aws_route53_weights",
		doc: "Shifts traffic with DNS: sets the weights of weighted records of Route 53, or makes another failover record the primary one, and returns when every name server knows. " +
			"Resolvers go on with what they have cached, for as long as the record's TTL says. Undo it with the weights, or the primary, that there were before.",
		attributes: []sdk.Attribute{
			{Name: "zone", Type: sdk.String, Required: true, Doc: "The hosted zone: its ID, or its name where no other zone has it."},
			{Name: "name", Type: sdk.String, Required: true, Doc: "The name of the records, such as api.example.com."},
			{Name: "type", Type: sdk.String, Default: "A", Doc: "The type of the records."},
			{Name: "weights", Type: sdk.StringMap, Doc: "The weight of each record by its set identifier, from 0 to 255. Records that are not named keep theirs."},
			{Name: "primary", Type: sdk.String, Doc: "The set identifier of the failover record that becomes the primary one; the one that was becomes secondary."},
		},
		needs: slices.Concat(reading("route53:ListHostedZones", "route53:ListTagsForResources"), changing(zone, "route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets"),
			changing([]string{"arn:{partition}:route53:::change/*"}, "route53:GetChange")),
		check: func(ctx context.Context, s *site, req sdk.Request) ([]sdk.Problem, error) {
			_, _, p, err := readWeighing(ctx, s, req)
			return asProblems(p), err
		},
		run: runWeighing,
	}
}

// readWeighing reads the block and the records that it is about.
func readWeighing(ctx context.Context, s *site, req sdk.Request) (c weighing, zone resource, p *sdk.Problem, err error) {
	c.Type = "A"
	if err := req.Decode(&c); err != nil {
		return c, zone, nil, err
	}
	if (len(c.Weights) > 0) == (c.Primary != "") {
		bad := problem("weights", "The block needs either weights or a primary", `Write weights = { east = 0, west = 100 }, or primary = "west".`)
		return c, zone, &bad, nil
	}
	if zone, p, err = s.zoneCalled(ctx, c.Zone, "zone"); err != nil || p != nil {
		return c, zone, p, err
	}
	sets, err := s.recordsOf(ctx, c.records(zone))
	if err != nil {
		return c, zone, nil, err
	}
	_, p = c.change(sets)
	return c, zone, p, nil
}

func (c weighing) records(zone resource) recordID {
	return recordID{Zone: zone.id, Domain: dnsName(zone.name), Name: dnsName(c.Name), Type: c.Type}
}

// change is what is to become of the record sets: those that change, as they will be, by their identifier.
func (c weighing) change(sets []types.ResourceRecordSet) (map[string]types.ResourceRecordSet, *sdk.Problem) {
	byID := map[string]types.ResourceRecordSet{}
	for _, set := range sets {
		byID[awssdk.ToString(set.SetIdentifier)] = set
	}
	if c.Primary != "" {
		return c.swap(byID)
	}
	out := map[string]types.ResourceRecordSet{}
	for id, text := range c.Weights {
		n, err := strconv.ParseInt(text, 10, 64)
		set, ok := byID[id]
		switch {
		case err != nil || n < 0 || n > 255:
			p := problem("weights."+id, fmt.Sprintf("%q is no weight", text), "A weight is a whole number from 0 to 255.")
			return nil, &p
		case !ok || set.Weight == nil:
			p := problem("weights."+id, fmt.Sprintf("%s %s has no weighted record with the set identifier %s", c.Name, c.Type, id), "It has "+have(byID)+".")
			return nil, &p
		}
		set.Weight = &n
		out[id] = set
	}
	return out, nil
}

func have(sets map[string]types.ResourceRecordSet) string {
	ids := slices.DeleteFunc(slices.Sorted(maps.Keys(sets)), func(id string) bool { return id == "" })
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}

// swap makes one failover record primary, and the one that was secondary.
func (c weighing) swap(byID map[string]types.ResourceRecordSet) (map[string]types.ResourceRecordSet, *sdk.Problem) {
	chosen, ok := byID[c.Primary]
	if !ok || chosen.Failover == "" {
		p := problem("primary", fmt.Sprintf("%s %s has no failover record with the set identifier %s", c.Name, c.Type, c.Primary), "It has "+have(byID)+".")
		return nil, &p
	}
	out := map[string]types.ResourceRecordSet{}
	for id, set := range byID {
		if set.Failover == "" {
			continue
		}
		set.Failover = types.ResourceRecordSetFailoverSecondary
		if id == c.Primary {
			set.Failover = types.ResourceRecordSetFailoverPrimary
		}
		out[id] = set
	}
	return out, nil
}

func runWeighing(ctx context.Context, s *site, req sdk.Request) (string, error) {
	c, zone, p, err := readWeighing(ctx, s, req)
	if err == nil && p != nil {
		err = fmt.Errorf("%s: %s", p.Summary, p.Detail)
	}
	if err != nil {
		return "", err
	}
	sets, err := s.recordsOf(ctx, c.records(zone))
	if err != nil {
		return "", err
	}
	will, p := c.change(sets)
	if p != nil {
		return "", fmt.Errorf("%s: %s", p.Summary, p.Detail)
	}
	var take, put []types.ResourceRecordSet
	var said []string
	for _, was := range sets {
		set, ok := will[awssdk.ToString(was.SetIdentifier)]
		if !ok || wordsOf(set) == wordsOf(was) {
			continue
		}
		take, put = append(take, was), append(put, set)
		said = append(said, fmt.Sprintf("%s: %s (it was %s)", *was.SetIdentifier, share(set), share(was)))
	}
	if len(take) == 0 {
		return fmt.Sprintf("%s %s was so already", c.Name, c.Type), nil
	}
	if err := s.changeRecords(ctx, zone.id, take, put); err != nil {
		return "", fmt.Errorf("changing %s %s: %w", c.Name, c.Type, err)
	}
	began := time.Now()
	err = poll(ctx, 10*time.Minute, "every name server to know "+c.Name, func(ctx context.Context) (bool, error) { return s.everywhereKnown(ctx, zone.id) })
	return fmt.Sprintf("%s %s: %s; every name server knew after %v", c.Name, c.Type, strings.Join(said, ", "), time.Since(began).Round(time.Second)), err
}

// share says which share a record gets.
func share(set types.ResourceRecordSet) string {
	if set.Weight != nil {
		return fmt.Sprintf("weight %d", *set.Weight)
	}
	return strings.ToLower(string(set.Failover))
}
