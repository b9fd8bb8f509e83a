package aws_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// world is an account to test in: our fake, or whatever AWS_ENDPOINT_URL leads to. It makes what a test needs with the real
// SDK alone, and removes it in the end.
type world struct {
	fake    *awsfake.Server // nil elsewhere
	cfg     awssdk.Config
	account string
	region  string
	mark    string // a tag on all that this world makes
	image   string
	undo    []func(context.Context) error
}

// newWorld is an account with nothing of the test in it.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{mark: fmt.Sprintf("test-%d-%d", time.Now().UnixNano(), serial.Add(1))}
	opts := []func(*awsconfig.LoadOptions) error{}
	if elsewhere == "" {
		w.fake = awsfake.New()
		t.Cleanup(w.fake.Close)
		opts = append(opts, awsconfig.WithBaseEndpoint(w.fake.URL))
	}
	var err error
	w.cfg, err = awsconfig.LoadDefaultConfig(t.Context(), opts...)
	require.NoError(t, err)
	w.region = w.cfg.Region
	require.NotEmpty(t, w.region, "set AWS_REGION")
	who, err := sts.NewFromConfig(w.cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	w.account = awssdk.ToString(who.Account)
	t.Cleanup(func() { w.remove(t) })
	return w
}

// fakeOnly is a world in which AWS misbehaves as the test says.
func fakeOnly(t *testing.T) *world {
	t.Helper()
	if elsewhere != "" {
		t.Skip("only our own fake misbehaves on demand")
	}
	return newWorld(t)
}

func (w *world) ec2() *ec2.Client { return ec2.NewFromConfig(w.cfg) }

// remove removes what was made, last first.
func (w *world) remove(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for _, fn := range slices.Backward(w.undo) {
		if err := fn(ctx); err != nil && elsewhere != "" {
			t.Errorf("clearing up: %v", err)
		}
	}
}

func (w *world) later(fn func(context.Context) error) { w.undo = append(w.undo, fn) }

func (w *world) tags(kind types.ResourceType, name string) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: kind, Tags: []types.Tag{
		{Key: new("Name"), Value: new(name)}, {Key: new("test"), Value: new(w.mark)},
	}}}
}

func (w *world) zone(letter string) string { return w.region + letter }

func (w *world) vpc(ctx context.Context) (string, error) {
	out, err := w.ec2().CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: new("10.77.0.0/16"), TagSpecifications: w.tags(types.ResourceTypeVpc, "vpc")})
	if err != nil {
		return "", err
	}
	id := *out.Vpc.VpcId
	w.later(func(ctx context.Context) error {
		_, err := w.ec2().DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &id})
		return err
	})
	return id, nil
}

func (w *world) subnet(ctx context.Context, vpc, zone string) (string, error) {
	out, err := w.ec2().CreateSubnet(ctx, &ec2.CreateSubnetInput{
		VpcId: &vpc, AvailabilityZone: &zone, CidrBlock: new(fmt.Sprintf("10.77.%d.0/24", serial.Add(1)%250)), TagSpecifications: w.tags(types.ResourceTypeSubnet, "net-"+zone),
	})
	if err != nil {
		return "", err
	}
	id := *out.Subnet.SubnetId
	w.later(func(ctx context.Context) error {
		_, err := w.ec2().DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: &id})
		return err
	})
	return id, nil
}

// network is a VPC with one subnet in a zone.
func (w *world) network(ctx context.Context, zone string) (vpc, subnet string, err error) {
	if vpc, err = w.vpc(ctx); err != nil {
		return "", "", err
	}
	subnet, err = w.subnet(ctx, vpc, zone)
	return vpc, subnet, err
}

func (w *world) instance(ctx context.Context, subnet string, more ...func(*ec2.RunInstancesInput)) (string, error) {
	if err := w.findImage(ctx); err != nil {
		return "", err
	}
	in := &ec2.RunInstancesInput{
		ImageId: &w.image, MinCount: new(int32(1)), MaxCount: new(int32(1)), SubnetId: &subnet, InstanceType: types.InstanceTypeT3Micro,
		TagSpecifications: w.tags(types.ResourceTypeInstance, fmt.Sprintf("app-%d", serial.Add(1))),
	}
	for _, fn := range more {
		fn(in)
	}
	out, err := w.ec2().RunInstances(ctx, in)
	if err != nil {
		return "", err
	}
	id := *out.Instances[0].InstanceId
	w.later(func(ctx context.Context) error { return w.terminate(ctx, id) })
	return id, w.becomes(ctx, id, "running")
}

// findImage takes any image that the endpoint has.
func (w *world) findImage(ctx context.Context) error {
	if w.image != "" {
		return nil
	}
	images, err := w.ec2().DescribeImages(ctx, &ec2.DescribeImagesInput{Owners: []string{"amazon", "self"}})
	if err != nil {
		return err
	}
	if len(images.Images) == 0 {
		return errors.New("the endpoint has no image to start an instance from")
	}
	w.image = awssdk.ToString(images.Images[0].ImageId)
	return nil
}

func (w *world) terminate(ctx context.Context, id string) error {
	if _, err := w.ec2().TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
		return err
	}
	return w.becomes(ctx, id, "terminated")
}

func (w *world) becomes(ctx context.Context, id, want string) error {
	for {
		got, err := w.state(ctx, id)
		if err != nil || got == want {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to be %s: %w", id, want, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (w *world) described(ctx context.Context, id string) (types.Instance, error) {
	out, err := w.ec2().DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return types.Instance{}, err
	}
	return out.Reservations[0].Instances[0], nil
}

func (w *world) state(ctx context.Context, id string) (string, error) {
	i, err := w.described(ctx, id)
	if err != nil {
		return "", err
	}
	return string(i.State.Name), nil
}

func (w *world) requireState(t *testing.T, id, want string) {
	t.Helper()
	got, err := w.state(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// ec2Tags are the tags of something, as text.
func (w *world) ec2Tags(ctx context.Context, id string) (string, error) {
	out, err := w.ec2().DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{{Name: new("resource-id"), Values: []string{id}}}})
	if err != nil {
		return "", err
	}
	var all []string
	for _, t := range out.Tags {
		all = append(all, *t.Key+"="+*t.Value)
	}
	slices.Sort(all)
	return strings.Join(all, ","), nil
}

func (w *world) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, w.region, w.account, resource)
}

// target is what a target block would have found.
func (w *world) target(typ, id, name string) sdk.Target {
	return sdk.Target{Type: typ, ID: id, Name: name, Attrs: map[string]string{"account": w.account, "region": w.region}}
}

func (w *world) instanceTarget(id string) sdk.Target {
	return w.target("aws_instance", w.arn("ec2", "instance/"+id), id)
}

// requireNothingLeft sweeps: nothing of this world may carry a mark.
func (w *world) requireNothingLeft(t *testing.T) {
	t.Helper()
	left, err := w.plugin(t, nil).Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, left)
}

func ec2Tag(key string) []types.Tag { return []types.Tag{{Key: &key}} }
