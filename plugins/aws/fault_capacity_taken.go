package aws

import (
	"context"
	"fmt"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// capacityTaken uses a quota up: elastic IPs of a region, network interfaces in subnets. What it makes is empty, carries our tags and is used by nobody.
// EC2 has no clock for that: when every process of ours dies at once it stays until gameday recover or gameday sweep.
func capacityTaken() fault {
	return fault{
		name: "aws_capacity_taken", targets: []string{"aws_region", "aws_subnet"}, parts: []part{addressesTaken(), interfacesTaken()},
		doc: "Uses capacity up: elastic IPs of an aws_region, network interfaces in an aws_subnet, as many as most says or until no more than leave are left of the quota. " +
			"AWS's own refusal (AddressLimitExceeded, NetworkInterfaceLimitExceeded, InsufficientFreeAddressesInSubnet) is the quota reached. AWS charges for elastic IPs. " +
			"If every process of gameday dies at once they stay, until gameday recover or gameday sweep.",
	}
}

func addressesTaken() part {
	ips := []string{"arn:{partition}:ec2:{region}:{account}:elastic-ip/*"}
	return capacity{
		name: "aws_addresses_taken", target: "aws_region", noun: "elastic IPs", service: "ec2", quota: quotaAddresses, full: []string{"AddressLimitExceeded"},
		needs: append(reading("ec2:DescribeAddresses"), changing(ips, "ec2:AllocateAddress", "ec2:ReleaseAddress", "ec2:CreateTags")...),
		list: func(ctx context.Context, s *site, filters []types.Filter) ([]made, error) {
			all, err := addresses(ctx, s, filters...)
			var out []made
			for _, a := range all {
				out = append(out, made{id: awssdk.ToString(a.AllocationId), user: awssdk.ToString(a.AssociationId), tags: ec2TagMap(a.Tags)})
			}
			return out, err
		},
		make: func(ctx context.Context, s *site, m mark, _ seized, _ int, dry bool) (string, error) {
			out, err := s.ec2().AllocateAddress(ctx, &ec2.AllocateAddressInput{
				Domain: types.DomainTypeVpc, DryRun: &dry, TagSpecifications: created(m, types.ResourceTypeElasticIp),
			}, onlyThrottled(s))
			if err != nil {
				return "", err
			}
			return awssdk.ToString(out.AllocationId), nil
		},
		remove: func(ctx context.Context, s *site, id string) error {
			_, err := s.ec2().ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: &id})
			return err
		},
	}.part()
}

func interfacesTaken() part {
	nics := []string{"arn:{partition}:ec2:{region}:{account}:network-interface/*"}
	return capacity{
		name: "aws_interfaces_taken", target: "aws_subnet", noun: "network interfaces", service: "vpc", quota: quotaInterfaces,
		full: []string{"NetworkInterfaceLimitExceeded", "InsufficientFreeAddressesInSubnet", "NetworkInterfaceLimitExceededException"},
		needs: slices.Concat(reading("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"), changing(nics, "ec2:DeleteNetworkInterface", "ec2:CreateTags"),
			changing(append([]string{"arn:{partition}:ec2:{region}:{account}:subnet/*", "arn:{partition}:ec2:{region}:{account}:security-group/*"}, nics...), "ec2:CreateNetworkInterface")),
		list: func(ctx context.Context, s *site, filters []types.Filter) ([]made, error) {
			all, err := interfaces(ctx, s, filters...)
			var out []made
			for _, n := range all {
				one := made{id: awssdk.ToString(n.NetworkInterfaceId), subnet: awssdk.ToString(n.SubnetId), tags: ec2TagMap(n.TagSet)}
				if n.Attachment != nil {
					one.user = awssdk.ToString(n.Attachment.AttachmentId)
				}
				out = append(out, one)
			}
			return out, err
		},
		make: func(ctx context.Context, s *site, m mark, u seized, n int, dry bool) (string, error) {
			out, err := s.ec2().CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{
				SubnetId: &u.Subnet, Description: new("made by gameday"), ClientToken: new(m.token(fmt.Sprintf("%s %d", u.Subnet, n))), DryRun: &dry,
				TagSpecifications: created(m, types.ResourceTypeNetworkInterface),
			})
			if err != nil {
				return "", err
			}
			return awssdk.ToString(out.NetworkInterface.NetworkInterfaceId), nil
		},
		remove: func(ctx context.Context, s *site, id string) error {
			_, err := s.ec2().DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &id})
			return err
		},
	}.part()
}

func created(m mark, kind types.ResourceType) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: kind, Tags: ec2TagList(m.created())}}
}

// onlyThrottled tries again only what AWS has surely not carried out. AllocateAddress knows no token, and asked twice it gives
// two addresses.
func onlyThrottled(s *site) func(*ec2.Options) {
	return func(o *ec2.Options) {
		o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
			so.MaxAttempts = s.settings.MaxAttempts
			so.Retryables = []retry.IsErrorRetryable{retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes}}
		})
	}
}
