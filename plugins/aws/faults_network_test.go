package aws_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/arczonalshift"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

func (w *world) subnetTarget(id string) sdk.Target {
	return w.target("aws_subnet", w.arn("ec2", "subnet/"+id), id)
}

// aclOf is the network ACL of a subnet.
func (w *world) aclOf(ctx context.Context, subnet string) (types.NetworkAcl, string, error) {
	out, err := w.ec2().DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{{Name: new("association.subnet-id"), Values: []string{subnet}}}})
	if err != nil {
		return types.NetworkAcl{}, "", err
	}
	for _, a := range out.NetworkAcls {
		for _, one := range a.Associations {
			if *one.SubnetId == subnet {
				return a, *one.NetworkAclAssociationId, nil
			}
		}
	}
	return types.NetworkAcl{}, "", fmt.Errorf("%s has no network ACL", subnet)
}

// deniesAll says whether nothing is allowed.
func deniesAll(a types.NetworkAcl) bool {
	for _, e := range a.Entries {
		if e.RuleAction == types.RuleActionAllow {
			return false
		}
	}
	return true
}

func (w *world) subnetShot(ctx context.Context, req sdk.Request) (string, error) {
	out := ""
	for _, t := range req.Targets {
		acl, _, err := w.aclOf(ctx, t.Name)
		if err != nil {
			return "", err
		}
		all, err := w.ec2().DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{{Name: new("vpc-id"), Values: []string{*acl.VpcId}}}})
		if err != nil {
			return "", err
		}
		tags, err := w.ec2Tags(ctx, t.Name)
		if err != nil {
			return "", err
		}
		out += fmt.Sprintf("%s has %s of %d, tags %s\n", t.Name, *acl.NetworkAclId, len(all.NetworkAcls), tags)
	}
	return out, nil
}

func TestNetworkDeniedConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, conformance.Case{
		Fault: "aws_network_denied",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			_, subnets, err := w.twoZones(ctx)
			var req sdk.Request
			for _, n := range subnets {
				req.Targets = append(req.Targets, w.subnetTarget(n))
			}
			return req, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			for _, t := range h.Targets {
				if a, _, err := w.aclOf(ctx, t.Name); err != nil || !deniesAll(a) {
					return false, err
				}
			}
			return true, nil
		},
		Snapshot: w.subnetShot,
	})
}

func TestASubnetGetsItsOwnACLBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vpc, subnet, err := w.network(t.Context(), w.zone("a"))
	require.NoError(t, err)
	own, err := w.ec2().CreateNetworkAcl(t.Context(), &ec2.CreateNetworkAclInput{VpcId: &vpc})
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	acl := own.NetworkAcl.NetworkAclId
	_, assoc, err := w.aclOf(t.Context(), subnet)
	require.NoError(t, err)
	_, err = w.ec2().ReplaceNetworkAclAssociation(t.Context(), &ec2.ReplaceNetworkAclAssociationInput{AssociationId: &assoc, NetworkAclId: acl})
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	w.later(func(ctx context.Context) error { // before the subnet goes, which would take its association along
		_, err := w.ec2().DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: &subnet})
		if err == nil {
			_, err = w.ec2().DeleteNetworkAcl(ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: acl})
		}
		return err
	})
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_network_denied", "", w.subnetTarget(subnet))
	require.Contains(t, string(h.Undo), *acl)
	now, _, err := w.aclOf(t.Context(), subnet)
	require.NoError(t, err)
	require.NotEqual(t, *acl, *now.NetworkAclId)
	require.NoError(t, l.Revert(t.Context(), h))
	now, _, err = w.aclOf(t.Context(), subnet)
	require.NoError(t, err)
	require.Equal(t, *acl, *now.NetworkAclId)
}

func TestASubnetThatSomebodyElseMovedIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vpc, subnet, err := w.network(t.Context(), w.zone("a"))
	require.NoError(t, err)
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_network_denied", "", w.subnetTarget(subnet))
	theirs, err := w.ec2().CreateNetworkAcl(t.Context(), &ec2.CreateNetworkAclInput{VpcId: &vpc})
	require.NoError(t, err)
	_, assoc, err := w.aclOf(t.Context(), subnet)
	require.NoError(t, err)
	_, err = w.ec2().ReplaceNetworkAclAssociation(t.Context(), &ec2.ReplaceNetworkAclAssociationInput{AssociationId: &assoc, NetworkAclId: theirs.NetworkAcl.NetworkAclId})
	require.NoError(t, err)
	err = l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "conflict")
	require.ErrorContains(t, err, *theirs.NetworkAcl.NetworkAclId)
	now, _, err := w.aclOf(t.Context(), subnet)
	require.NoError(t, err)
	require.Equal(t, *theirs.NetworkAcl.NetworkAclId, *now.NetworkAclId)
	all, err := w.ec2().DescribeNetworkAcls(t.Context(), &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{{Name: new("vpc-id"), Values: []string{vpc}}}})
	require.NoError(t, err)
	require.Len(t, all.NetworkAcls, 2, "the default one and theirs: ours is deleted all the same")
}

func TestInstanceRebootConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, conformance.Case{
		Fault: "aws_instance_reboot",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			_, subnet, err := w.network(ctx, w.zone("a"))
			if err != nil {
				return sdk.Request{}, err
			}
			id, err := w.instance(ctx, subnet)
			return sdk.Request{Targets: []sdk.Target{w.instanceTarget(id)}}, err
		},
		// A reboot leaves no trace but the mark.
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			tags, err := w.ec2Tags(ctx, h.Targets[0].Name)
			return len(tags) > 0 && strings.Contains(tags, "gameday:undo:instance_reboot="), err
		},
		Snapshot: w.instanceShot,
	})
}

func TestZonalShiftConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, conformance.Case{
		Fault: "aws_zonal_shift",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			_, subnets, err := w.twoZones(ctx)
			if err != nil {
				return sdk.Request{}, err
			}
			b, err := w.balancer(ctx, subnets...)
			return sdk.Request{Config: []byte(`{"zone":"` + w.zone("a") + `"}`), Targets: []sdk.Target{b}}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			out, err := arczonalshift.NewFromConfig(w.cfg).ListZonalShifts(ctx, &arczonalshift.ListZonalShiftsInput{ResourceIdentifier: &h.Targets[0].ID, Status: "ACTIVE"})
			return err == nil && len(out.Items) > 0 && strings.Contains(*out.Items[0].Comment, "gameday"), err
		},
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			out, err := arczonalshift.NewFromConfig(w.cfg).ListZonalShifts(ctx, &arczonalshift.ListZonalShiftsInput{ResourceIdentifier: &req.Targets[0].ID, Status: "ACTIVE"})
			if err != nil {
				return "", err
			}
			return fmt.Sprint(len(out.Items)), nil
		},
	})
}

func TestAZonalShiftEndsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, subnets, err := w.twoZones(t.Context())
	require.NoError(t, err)
	b, err := w.balancer(t.Context(), subnets...)
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	l := w.plugin(t, nil)
	h, problems := prepare(t, l, "aws_zonal_shift", `{"zone":"`+w.zone("a")+`","expires":"1m"}`, b)
	for _, p := range problems {
		w.skipUnimplemented(t, fmt.Errorf("%s %s", p.Summary, p.Detail))
	}
	require.Empty(t, problems)
	require.NoError(t, l.Inject(t.Context(), h))
	out, err := arczonalshift.NewFromConfig(w.cfg).ListZonalShifts(t.Context(), &arczonalshift.ListZonalShiftsInput{ResourceIdentifier: &b.ID, Status: "ACTIVE"})
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Minute), *out.Items[0].ExpiryTime, 10*time.Second)
	require.NoError(t, l.Revert(t.Context(), h))

	_, problems = prepare(t, l, "aws_zonal_shift", `{"zone":"`+w.zone("a")+`","expires":"90s"}`, b)
	require.Equal(t, []string{"expires"}, problems[0].Path)
}

// Somebody deleted the network ACL that a subnet had, which nothing can bring back.
func TestASubnetWhoseOwnACLIsGoneIsNamed(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	vpc, subnet, err := w.network(t.Context(), w.zone("a"))
	require.NoError(t, err)
	own, err := w.ec2().CreateNetworkAcl(t.Context(), &ec2.CreateNetworkAclInput{VpcId: &vpc})
	require.NoError(t, err)
	acl := *own.NetworkAcl.NetworkAclId
	_, assoc, err := w.aclOf(t.Context(), subnet)
	require.NoError(t, err)
	_, err = w.ec2().ReplaceNetworkAclAssociation(t.Context(), &ec2.ReplaceNetworkAclAssociationInput{AssociationId: &assoc, NetworkAclId: &acl})
	require.NoError(t, err)
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_network_denied", "", w.subnetTarget(subnet))
	_, err = w.ec2().DeleteNetworkAcl(t.Context(), &ec2.DeleteNetworkAclInput{NetworkAclId: &acl})
	require.NoError(t, err)
	err = l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "the network ACL "+acl+" that the subnet "+subnet+" had is gone")
	requireStatus(t, l, h, sdk.Active)
	_, assoc, err = w.aclOf(t.Context(), subnet)
	require.NoError(t, err)
	everyACL, err := w.ec2().DescribeNetworkAcls(t.Context(), &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{{Name: new("default"), Values: []string{"true"}}, {Name: new("vpc-id"), Values: []string{vpc}}}})
	require.NoError(t, err)
	_, err = w.ec2().ReplaceNetworkAclAssociation(t.Context(), &ec2.ReplaceNetworkAclAssociationInput{AssociationId: &assoc, NetworkAclId: everyACL.NetworkAcls[0].NetworkAclId})
	require.NoError(t, err)
	err = l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "remove its tag gameday:undo:subnet_denied", "what to do when another one is right")
	_, err = w.ec2().DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{subnet}, Tags: ec2Tag("gameday:undo:subnet_denied")})
	require.NoError(t, err)
	require.NoError(t, l.Revert(t.Context(), h))
	requireStatus(t, l, h, sdk.Inactive)
	w.requireNothingLeft(t)
}
