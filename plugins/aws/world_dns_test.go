package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func (w *world) route53() *route53.Client { return route53.NewFromConfig(w.cfg) }

// hosted is a hosted zone of a test.
type hosted struct {
	*world
	id, name string
}

func (w *world) hostedZone(ctx context.Context) (*hosted, error) {
	h := &hosted{world: w, name: fmt.Sprintf("z%d.gameday-test.example", serial.Add(1))}
	out, err := w.route53().CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: &h.name, CallerReference: new(w.mark + h.name)})
	if err != nil {
		return nil, err
	}
	h.id = (*out.HostedZone.Id)[len("/hostedzone/"):]
	w.later(h.remove)
	return h, nil
}

// hostedOf is the zone of a record.
func (w *world) hostedOf(t sdk.Target) *hosted {
	zone, record, _ := strings.Cut(t.ID, "#")
	return &hosted{w, zone[strings.LastIndex(zone, "/")+1:], strings.TrimSuffix(record[strings.LastIndex(record, "/")+1:], ".")}
}

func (h *hosted) remove(ctx context.Context) error {
	sets, err := h.sets(ctx)
	if err != nil {
		return err
	}
	var batch types.ChangeBatch
	for _, set := range sets {
		if set.Type != types.RRTypeNs && set.Type != types.RRTypeSoa {
			batch.Changes = append(batch.Changes, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: &set})
		}
	}
	if len(batch.Changes) > 0 {
		if _, err := h.route53().ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{HostedZoneId: &h.id, ChangeBatch: &batch}); err != nil {
			return err
		}
	}
	_, err = h.route53().DeleteHostedZone(ctx, &route53.DeleteHostedZoneInput{Id: &h.id})
	return err
}

func (h *hosted) put(ctx context.Context, sets ...types.ResourceRecordSet) error {
	var batch types.ChangeBatch
	for _, set := range sets {
		batch.Changes = append(batch.Changes, types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: &set})
	}
	_, err := h.route53().ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{HostedZoneId: &h.id, ChangeBatch: &batch})
	return err
}

func (h *hosted) record(name string, typ types.RRType, ttl int64, values ...string) types.ResourceRecordSet {
	set := types.ResourceRecordSet{Name: new(name + "." + h.name), Type: typ, TTL: &ttl}
	for _, v := range values {
		set.ResourceRecords = append(set.ResourceRecords, types.ResourceRecord{Value: &v})
	}
	return set
}

func (h *hosted) weighted(name, set string, weight int64, value string) types.ResourceRecordSet {
	out := h.record(name, types.RRTypeA, 30, value)
	out.SetIdentifier, out.Weight = &set, &weight
	return out
}

func (h *hosted) sets(ctx context.Context) ([]types.ResourceRecordSet, error) {
	out, err := h.route53().ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: &h.id})
	if err != nil {
		return nil, err
	}
	if out.IsTruncated {
		return nil, errors.New("the zone of a test has few records")
	}
	return out.ResourceRecordSets, nil
}

// answers are the values of a name and type, by their sets.
func (h *hosted) answers(ctx context.Context, name string, typ types.RRType) ([]string, error) {
	sets, err := h.sets(ctx)
	var out []string
	for _, set := range sets {
		if *set.Name == name+"."+h.name+"." && set.Type == typ {
			for _, r := range set.ResourceRecords {
				out = append(out, *r.Value)
			}
			if set.AliasTarget != nil {
				out = append(out, *set.AliasTarget.DNSName)
			}
		}
	}
	slices.Sort(out)
	return out, err
}

// shot is the whole zone as text.
func (h *hosted) shot(ctx context.Context) (string, error) {
	sets, err := h.sets(ctx)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(sets)
	return string(b), err
}

func (h *hosted) target(name string, typ types.RRType) sdk.Target {
	return h.world.target("aws_record", fmt.Sprintf("arn:aws:route53:::hostedzone/%s#%s.%s./%s/%s.", h.id, name, h.name, typ, h.name), name+"."+h.name+" "+string(typ))
}

func (w *world) healthCheck(ctx context.Context) (string, error) {
	out, err := w.route53().CreateHealthCheck(ctx, &route53.CreateHealthCheckInput{
		CallerReference: new(fmt.Sprintf("%s-%d", w.mark, serial.Add(1))),
		HealthCheckConfig: &types.HealthCheckConfig{
			Type: types.HealthCheckTypeHttp, FullyQualifiedDomainName: new("www.gameday-test.example"), Port: new(int32(80)), ResourcePath: new("/"),
			RequestInterval: new(int32(30)), FailureThreshold: new(int32(3)),
		},
	})
	if err != nil {
		return "", err
	}
	id := *out.HealthCheck.Id
	w.later(func(ctx context.Context) error {
		_, err := w.route53().DeleteHealthCheck(ctx, &route53.DeleteHealthCheckInput{HealthCheckId: &id})
		return err
	})
	return id, nil
}

func (w *world) isInverted(ctx context.Context, id string) (bool, error) {
	out, err := w.route53().GetHealthCheck(ctx, &route53.GetHealthCheckInput{HealthCheckId: &id})
	if err != nil {
		return false, err
	}
	return awssdk.ToBool(out.HealthCheck.HealthCheckConfig.Inverted), nil
}
