package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// denied is one subnet, and the network ACL that it had.
type denied struct {
	Subnet      string `json:"subnet"`
	VPC         string `json:"vpc"`
	ACL         string `json:"acl"`
	Association string `json:"association"`
}

func subnetDenied() part {
	return newPart(kind[denied]{
		name: "aws_subnet_denied", shelf: ec2Shelf(),
		about: "arn:{partition}:ec2:{region}:{account}:subnet/*", of: "aws_subnet",
		needs: slices.Concat(reading("ec2:DescribeNetworkAcls", "ec2:DescribeSubnets", "ec2:DescribeAvailabilityZones"),
			changing([]string{"{arn}", "arn:{partition}:ec2:{region}:{account}:network-acl/*"}, "ec2:ReplaceNetworkAclAssociation")),
		plan: planDenied, look: lookDenied,
		tryOut: func(ctx context.Context, s *site, u denied) error {
			return replaceACL(ctx, s, u.Association, u.ACL, true)
		},
		inject: func(ctx context.Context, s *site, m mark, u denied) error {
			made, err := ourACLs(ctx, s, m, u.VPC)
			if err != nil {
				return err
			}
			if len(made) == 0 {
				return fmt.Errorf("the network ACL of this fault is gone from %s", u.VPC)
			}
			return u.associate(ctx, s, awssdk.ToString(made[0].NetworkAclId))
		},
		revert: func(ctx context.Context, s *site, _ mark, u denied) error {
			err := u.associate(ctx, s, u.ACL)
			if codeOf(err) == "InvalidNetworkAclID.NotFound" { // not wrapped: it is not the subnet that is gone
				return fmt.Errorf("the network ACL %s that the subnet %s had is gone: associate it with another by hand", u.ACL, u.Subnet)
			}
			return err
		},
		remember: func(arn, note string) (item[denied], bool) {
			return deniedItem(denied{Subnet: resourceOf(arn), ACL: note}, arn, resourceOf(arn)), note != ""
		},
	})
}

func planDenied(ctx context.Context, s *site, a ask) ([]item[denied], []sdk.Problem, error) {
	nets, err := a.among(ctx, s, "aws_subnet", listSubnets)
	if err != nil {
		return nil, nil, err
	}
	var out []item[denied]
	for _, n := range nets {
		u := denied{Subnet: n.id, VPC: n.vpc}
		if u.Association, u.ACL, _, err = u.association(ctx, s); err != nil {
			return nil, nil, err
		}
		out = append(out, deniedItem(u, n.arn, n.name))
	}
	return out, nil, nil
}

func deniedItem(u denied, arn, name string) item[denied] {
	return item[denied]{
		arn: arn, name: name, before: "associated with " + u.ACL, made: "associated with the network ACL of this fault", note: u.ACL, undo: u,
		effect: fmt.Sprintf("associate %s with that network ACL instead of %s", name, u.ACL),
		byHand: fmt.Sprintf("find the association of %s with aws ec2 describe-network-acls --filters Name=association.subnet-id,Values=%s, then aws ec2 replace-network-acl-association --association-id ID --network-acl-id %s",
			u.Subnet, u.Subnet, u.ACL),
	}
}

var errNoSubnet = errors.New("the subnet is gone")

// association is what the subnet is associated with now, and by which association.
func (u denied) association(ctx context.Context, s *site) (id, acl string, tags map[string]string, err error) {
	all, err := networkACLs(ctx, s, ec2Filters("association.subnet-id", u.Subnet))
	if err != nil {
		return "", "", nil, err
	}
	for _, a := range all {
		for _, one := range a.Associations {
			if awssdk.ToString(one.SubnetId) == u.Subnet {
				return awssdk.ToString(one.NetworkAclAssociationId), awssdk.ToString(a.NetworkAclId), ec2TagMap(a.Tags), nil
			}
		}
	}
	return "", "", nil, errNoSubnet
}

// associate replaces whatever association the subnet has. When somebody else has replaced it in between, its ID is gone: it is
// read again by the next call.
func (u denied) associate(ctx context.Context, s *site, acl string) error {
	id, now, _, err := u.association(ctx, s)
	if err != nil || now == acl {
		return err
	}
	return replaceACL(ctx, s, id, acl, false)
}

func replaceACL(ctx context.Context, s *site, association, acl string, dry bool) error {
	_, err := s.ec2().ReplaceNetworkAclAssociation(ctx, &ec2.ReplaceNetworkAclAssociationInput{
		AssociationId: new(association), NetworkAclId: new(acl), DryRun: new(dry),
	})
	return err
}

func lookDenied(ctx context.Context, s *site, m mark, u denied) (view, error) {
	_, acl, tags, err := u.association(ctx, s)
	switch {
	case errors.Is(err, errNoSubnet):
		return is(gone, "AWS does not know the subnet any more"), nil
	case err != nil:
		return view{}, err
	case m.made(tags):
		return is(ours, "associated with %s, which denies everything", acl), nil
	}
	return now("associated with %s", acl), nil
}
