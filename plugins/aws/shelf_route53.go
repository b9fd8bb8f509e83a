package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// A record has no tags. Its mark is a TXT record beside it, whose name is made of its name and type, and whose text says which
// record it is about and what was there before: _gameday-DIGEST.ZONE. TXT "NAME TYPE KEY VALUE".
const (
	recordMark    = "_gameday-"
	recordMarkTTL = 60
	// roomInTXT is what Route 53 takes in a TXT record, less the names and the quotation marks.
	roomInTXT = 3000
	// textPiece is the longest piece of text in a TXT record.
	textPiece = 255
)

func recordShelf() *shelf {
	return &shelf{
		room: roomInTXT,
		needs: append(reading("route53:ListHostedZones"),
			changing([]string{"{arn}"}, "route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets")...),
		read: func(ctx context.Context, s *site, arn string) (map[string]string, error) {
			mark, err := s.recordMark(ctx, recordOfARN(arn))
			if err != nil || mark == nil {
				return nil, err
			}
			_, _, key, value := readRecordMark(*mark)
			return map[string]string{key: value}, nil
		},
		write: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			r := recordOfARN(arn)
			there, err := s.recordMark(ctx, r)
			if err != nil || there != nil { // of this fault, from an Inject that was cut short
				return err
			}
			for key, value := range tags {
				if err := s.changeRecords(ctx, r.Zone, nil, []types.ResourceRecordSet{r.newMark(key, value)}); err != nil {
					return err
				}
			}
			return nil
		},
		remove: func(ctx context.Context, s *site, arn string, _ map[string]string) error {
			mark, err := s.recordMark(ctx, recordOfARN(arn))
			if err != nil || mark == nil {
				return err
			}
			return s.changeRecords(ctx, recordOfARN(arn).Zone, []types.ResourceRecordSet{*mark}, nil)
		},
		find: findRecordMarks,
	}
}

// recordID says which records of a hosted zone are meant: those of one name and type. DOMAIN is the zone's own name.
type recordID struct {
	Zone   string `json:"zone"`
	Domain string `json:"domain"`
	Name   string `json:"name"`
	Type   string `json:"type"`
}

// arn names the records. Route 53 has ARNs for zones only.
func (r recordID) arn(s *site) string {
	return fmt.Sprintf("arn:%s:route53:::hostedzone/%s#%s/%s/%s", s.partition, r.Zone, r.Name, r.Type, r.Domain)
}

func recordOfARN(arn string) recordID {
	of, record, _ := strings.Cut(arn, "#")
	f := append(strings.SplitN(record, "/", 3), "", "")
	return recordID{Zone: resourceOf(of), Name: f[0], Type: f[1], Domain: f[2]}
}

func (r recordID) String() string { return shownName(r.Name) + " " + r.Type }

// mark is the name of the record's mark.
func (r recordID) mark() string {
	sum := sha256.Sum256([]byte(r.Name + " " + r.Type))
	return recordMark + hex.EncodeToString(sum[:8]) + "." + r.Domain
}

// recordMark reads the mark of a record. nil: it has none.
func (s *site) recordMark(ctx context.Context, r recordID) (*types.ResourceRecordSet, error) {
	sets, err := s.recordsOf(ctx, recordID{Zone: r.Zone, Name: r.mark(), Type: string(types.RRTypeTxt)})
	if missing(err) {
		return nil, nil
	}
	if err != nil || len(sets) == 0 {
		return nil, err
	}
	return &sets[0], nil
}

func (r recordID) newMark(key, value string) types.ResourceRecordSet {
	text := strings.Join([]string{r.Name, r.Type, key, value}, " ")
	var pieces []string
	for piece := range slices.Chunk([]byte(strings.ReplaceAll(text, `\052`, "*")), textPiece) {
		pieces = append(pieces, `"`+string(piece)+`"`)
	}
	return types.ResourceRecordSet{
		Name: new(r.mark()), Type: types.RRTypeTxt, TTL: new(int64(recordMarkTTL)),
		ResourceRecords: []types.ResourceRecord{{Value: new(strings.Join(pieces, " "))}},
	}
}

// readRecordMark reads the text of a mark.
func readRecordMark(set types.ResourceRecordSet) (name, typ, key, value string) {
	if len(set.ResourceRecords) == 0 {
		return "", "", "", ""
	}
	text := strings.Trim(awssdk.ToString(set.ResourceRecords[0].Value), `"`)
	f := strings.SplitN(strings.ReplaceAll(text, `" "`, ""), " ", 4)
	if len(f) < 4 {
		return "", "", "", ""
	}
	return dnsName(f[0]), f[1], f[2], f[3]
}

// findRecordMarks looks through all hosted zones.
func findRecordMarks(ctx context.Context, s *site, key string) (map[string]map[string]string, error) {
	zones, err := hostedZones(ctx, s)
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]string{}
	for _, z := range zones {
		id := resourceOf(awssdk.ToString(z.Id))
		isMark := func(set types.ResourceRecordSet) bool {
			return strings.HasPrefix(awssdk.ToString(set.Name), recordMark)
		}
		sets, err := s.recordSets(ctx, id, recordMark+"."+awssdk.ToString(z.Name), isMark)
		if err != nil {
			return nil, err
		}
		for _, set := range sets {
			name, typ, k, value := readRecordMark(set)
			if k == key {
				out[recordID{id, awssdk.ToString(z.Name), name, typ}.arn(s)] = map[string]string{k: value}
			}
		}
	}
	return out, nil
}

// healthCheckShelf keeps the tags of health checks.
func healthCheckShelf() *shelf {
	of := types.TagResourceTypeHealthcheck
	return &shelf{
		needs: append(reading("route53:ListHealthChecks"), changing([]string{"{arn}"}, "route53:ListTagsForResource", "route53:ChangeTagsForResource")...),
		read: func(ctx context.Context, s *site, arn string) (map[string]string, error) {
			tags, err := s.route53Tags(ctx, of, []string{resourceOf(arn)})
			if missing(err) {
				return nil, nil
			}
			return tags[resourceOf(arn)], err
		},
		write: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			in := &route53.ChangeTagsForResourceInput{ResourceType: of, ResourceId: new(resourceOf(arn))}
			in.AddTags = tagList(tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
			_, err := s.route53().ChangeTagsForResource(ctx, in)
			return err
		},
		remove: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			in := &route53.ChangeTagsForResourceInput{ResourceType: of, ResourceId: new(resourceOf(arn))}
			in.RemoveTagKeys = slices.Sorted(maps.Keys(tags))
			_, err := s.route53().ChangeTagsForResource(ctx, in)
			return err
		},
		find: func(ctx context.Context, s *site, key string) (map[string]map[string]string, error) {
			all, err := listHealthChecks(ctx, s)
			return withKey(all, key), err
		},
	}
}

// mostTaggedRoute53 is how many resources one call may ask the tags of.
const mostTaggedRoute53 = 10

// route53Tags reads the tags of resources, by ID.
func (s *site) route53Tags(ctx context.Context, of types.TagResourceType, ids []string) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	for some := range slices.Chunk(ids, mostTaggedRoute53) {
		got, err := s.route53().ListTagsForResources(ctx, &route53.ListTagsForResourcesInput{ResourceType: of, ResourceIds: some})
		if err != nil {
			return nil, fmt.Errorf("reading tags of %s: %w", of, err)
		}
		for _, set := range got.ResourceTagSets {
			out[awssdk.ToString(set.ResourceId)] = tagMap(set.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
		}
	}
	return out, nil
}
