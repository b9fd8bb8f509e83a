package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// networkDenied is two kinds of change: a network ACL that denies everything is made in each VPC, and then every subnet is
// associated with it instead of with its own. An association has another ID each time that it is replaced, so it is found by its subnet.
// EC2 has no clock for that: when every process of ours dies at once the subnets stay cut off until gameday recover or sweep.
func networkDenied() fault {
	return fault{
		name: "aws_network_denied", targets: []string{"aws_subnet", "aws_zone"}, parts: denials(),
		doc: "Cuts subnets off: a network ACL without a rule, which denies everything both ways, takes the place of their own. Traffic inside a subnet is not " +
			"filtered by network ACLs and goes on. If every process of gameday dies at once they stay cut off, until gameday recover or gameday sweep.",
	}
}

func denials() []part { return []part{denyACL(), subnetDenied()} }

// aclOfVPC is the network ACL that is made in a VPC.
type aclOfVPC struct {
	VPC string `json:"vpc"`
}

func denyACL() part {
	acls := []string{"arn:{partition}:ec2:{region}:{account}:network-acl/*"}
	return newPart(kind[aclOfVPC]{
		name: "aws_deny_acl", base: true, about: "arn:{partition}:ec2:{region}:{account}:vpc/*",
		needs: slices.Concat(reading("ec2:DescribeNetworkAcls", "ec2:DescribeSubnets", "ec2:DescribeAvailabilityZones"),
			changing(append([]string{"{arn}"}, acls...), "ec2:CreateNetworkAcl"), changing(acls, "ec2:DeleteNetworkAcl", "ec2:CreateTags")),
		plan: func(ctx context.Context, s *site, a ask) ([]item[aclOfVPC], []sdk.Problem, error) {
			nets, err := a.among(ctx, s, "aws_subnet", listSubnets)
			var out []item[aclOfVPC]
			for _, n := range nets {
				out = append(out, aclItem(s, n.vpc, a.mark()))
			}
			return out, nil, err
		},
		tryOut: func(ctx context.Context, s *site, u aclOfVPC) error {
			out, err := s.ec2().CreateNetworkAcl(ctx, &ec2.CreateNetworkAclInput{VpcId: new(u.VPC), DryRun: new(true)})
			if err == nil && out.NetworkAcl != nil { // an emulator that knows some dry runs and not this one has made it
				_, err = s.ec2().DeleteNetworkAcl(ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: out.NetworkAcl.NetworkAclId})
			}
			return err
		},
		look: func(ctx context.Context, s *site, m mark, u aclOfVPC) (view, error) {
			made, err := ourACLs(ctx, s, m, u.VPC)
			if err != nil || len(made) == 0 {
				return is(before, "without a network ACL of this fault"), err
			}
			if slices.ContainsFunc(made[0].Entries, func(e types.NetworkAclEntry) bool { return e.RuleAction == types.RuleActionAllow }) {
				return is(partly, "with the network ACL %s, in which somebody allows something", awssdk.ToString(made[0].NetworkAclId)), nil
			}
			return is(ours, "with the network ACL %s, which denies everything", awssdk.ToString(made[0].NetworkAclId)), nil
		},
		inject: func(ctx context.Context, s *site, m mark, u aclOfVPC) error {
			_, err := s.ec2().CreateNetworkAcl(ctx, &ec2.CreateNetworkAclInput{
				VpcId: new(u.VPC), ClientToken: new(m.token(u.VPC)),
				TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeNetworkAcl, Tags: ec2TagList(m.created())}},
			})
			return err
		},
		revert: deleteACLs,
		find: func(ctx context.Context, s *site) ([]leftover[aclOfVPC], error) {
			all, err := networkACLs(ctx, s, ec2Filters("tag-key", tagHandle))
			var out []leftover[aclOfVPC]
			for _, a := range all {
				m := markOfTags(ec2TagMap(a.Tags))
				out = append(out, leftover[aclOfVPC]{mark: m, item: aclItem(s, awssdk.ToString(a.VpcId), m)})
			}
			return out, err
		},
	})
}

func aclItem(s *site, vpc string, m mark) item[aclOfVPC] {
	return item[aclOfVPC]{
		arn: s.arn("ec2", "vpc/"+vpc), name: vpc, before: "without a network ACL of this fault", made: "with a network ACL that denies everything",
		undo: aclOfVPC{vpc}, effect: "create a network ACL in " + vpc + " that denies everything",
		byHand: fmt.Sprintf("aws ec2 describe-network-acls --filters Name=vpc-id,Values=%s Name=tag:%s,Values=%s, and delete-network-acl for what it shows", vpc, tagHandle, m.handleTag()),
	}
}

// deleteACLs waits until EC2 has understood that no subnet uses them any more.
func deleteACLs(ctx context.Context, s *site, m mark, u aclOfVPC) error {
	made, err := ourACLs(ctx, s, m, u.VPC)
	if err != nil {
		return err
	}
	for _, a := range made {
		var last error
		err := poll(ctx, time.Duration(s.settings.Consistency), awssdk.ToString(a.NetworkAclId)+" to be unused", func(ctx context.Context) (bool, error) {
			_, last = s.ec2().DeleteNetworkAcl(ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: a.NetworkAclId})
			if code := codeOf(last); code == "DependencyViolation" {
				return false, nil
			}
			return last == nil || missing(last), last
		})
		if err != nil && last != nil {
			err = last
		}
		if err != nil && !missing(err) {
			return fmt.Errorf("deleting %s: %w", awssdk.ToString(a.NetworkAclId), err)
		}
	}
	return nil
}

const tokenPrefix = "gameday-"

// token makes a call idempotent: the same fault asks twice for the same thing, and gets it once.
func (m mark) token(about string) string {
	sum := sha256.Sum256([]byte(m.Handle + " " + about))
	return tokenPrefix + hex.EncodeToString(sum[:16])
}

// markOfTags reads the tags of something that a fault has made.
func markOfTags(tags map[string]string) mark {
	return mark{Handle: fromTag(tags[tagHandle]), Run: fromTag(tags[tagRun]), Fault: tags[tagFault], Held: true}
}

func ourACLs(ctx context.Context, s *site, m mark, vpc string) ([]types.NetworkAcl, error) {
	return networkACLs(ctx, s, ec2Filters("vpc-id", vpc, "tag:"+tagHandle, m.handleTag()))
}

func networkACLs(ctx context.Context, s *site, filters []types.Filter) ([]types.NetworkAcl, error) {
	var out []types.NetworkAcl
	pages := ec2.NewDescribeNetworkAclsPaginator(s.ec2(), &ec2.DescribeNetworkAclsInput{Filters: filters})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing network ACLs: %w", err)
		}
		out = append(out, page.NetworkAcls...)
	}
	return out, nil
}
