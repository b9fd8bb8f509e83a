package main

import (
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/fis"
	fistypes "github.com/aws/aws-sdk-go-v2/service/fis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53types "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
)

// The region of the shop, and the one that it fails over to.
const (
	region      = "us-east-1"
	otherRegion = "eu-west-1"
)

// zones are those that it stands in.
var zones = []string{region + "a", region + "b"}

// shop is a small account: instances in two zones, behind a load balancer and beside it, databases, caches, names.
type shop struct {
	cfg   awssdk.Config
	there map[string]string
	nets  []string
}

// furnish makes it with the real SDK, and names what is there.
func furnish(ctx context.Context, url string) (map[string]string, error) {
	s := &shop{
		cfg: awssdk.Config{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(awsfake.AccessKey, awsfake.Secret, "")},
		there: map[string]string{
			"url": url, "region": region, "account": awsfake.Account, "access_key": awsfake.AccessKey, "secret": awsfake.Secret, "zone": zones[0], "other_region": otherRegion,
		},
	}
	for _, step := range []func(context.Context) error{s.network, s.instances, s.balancer, s.groups, s.databases, s.caches, s.names, s.alarm, s.experiment, s.function, s.table} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return s.there, nil
}

func (s *shop) network(ctx context.Context) error {
	c := ec2.NewFromConfig(s.cfg)
	vpc, err := c.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: new("10.0.0.0/16")})
	if err != nil {
		return err
	}
	s.there["vpc"] = *vpc.Vpc.VpcId
	for i, zone := range zones {
		net, err := c.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, AvailabilityZone: &zone, CidrBlock: new(fmt.Sprintf("10.0.%d.0/24", i))})
		if err != nil {
			return err
		}
		s.nets = append(s.nets, *net.Subnet.SubnetId)
	}
	s.there["subnet"] = s.nets[0]
	return nil
}

// instances are those that belong to no group.
func (s *shop) instances(ctx context.Context) error {
	for i, net := range s.nets {
		out, err := ec2.NewFromConfig(s.cfg).RunInstances(ctx, &ec2.RunInstancesInput{
			ImageId: new(awsfake.Image), MinCount: new(int32(1)), MaxCount: new(int32(1)), SubnetId: &net, InstanceType: ec2types.InstanceTypeT3Micro,
		})
		if err != nil {
			return err
		}
		s.there[fmt.Sprintf("instance%d", i)] = *out.Instances[0].InstanceId
	}
	return nil
}

func (s *shop) balancer(ctx context.Context) error {
	c := elb.NewFromConfig(s.cfg)
	out, err := c.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: new("shop"), Subnets: s.nets, Type: elbtypes.LoadBalancerTypeEnumNetwork})
	if err != nil {
		return err
	}
	s.there["balancer"] = "shop"
	_, err = c.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{
		LoadBalancerArn: out.LoadBalancers[0].LoadBalancerArn, Attributes: []elbtypes.LoadBalancerAttribute{{Key: new("zonal_shift.config.enabled"), Value: new("true")}},
	})
	if err != nil {
		return err
	}
	group, err := c.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: new("shop")})
	if err != nil {
		return err
	}
	s.there["target_group"] = *group.TargetGroups[0].TargetGroupArn
	_, err = c.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: group.TargetGroups[0].TargetGroupArn, Targets: []elbtypes.TargetDescription{
		{Id: new(s.there["instance0"])}, {Id: new(s.there["instance1"])},
	}})
	return err
}

// groups are one that has instances, and one that has none.
func (s *shop) groups(ctx context.Context) error {
	template, err := ec2.NewFromConfig(s.cfg).CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: new("shop"), LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: new(awsfake.Image), InstanceType: ec2types.InstanceTypeT3Micro},
	})
	if err != nil {
		return err
	}
	for name, desired := range map[string]int32{"web": 2, "batch": 0} {
		_, err := autoscaling.NewFromConfig(s.cfg).CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
			AutoScalingGroupName: &name, MinSize: new(int32(0)), MaxSize: new(int32(4)), DesiredCapacity: &desired, VPCZoneIdentifier: new(strings.Join(s.nets, ",")),
			LaunchTemplate: &astypes.LaunchTemplateSpecification{LaunchTemplateId: template.LaunchTemplate.LaunchTemplateId, Version: new("$Latest")},
		})
		if err != nil {
			return err
		}
	}
	s.there["group"] = "batch"
	return nil
}

func (s *shop) databases(ctx context.Context) error {
	c := rds.NewFromConfig(s.cfg)
	_, err := c.CreateDBCluster(ctx, &rds.CreateDBClusterInput{DBClusterIdentifier: new("orders"), Engine: new("aurora-postgresql"), MasterUsername: new("shop"), MasterUserPassword: new("not-a-secret-1")})
	if err != nil {
		return err
	}
	s.there["cluster"] = "orders"
	for i, zone := range zones {
		_, err := c.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
			DBInstanceIdentifier: new(fmt.Sprintf("orders-%d", i)), DBClusterIdentifier: new("orders"), Engine: new("aurora-postgresql"), DBInstanceClass: new("db.t3.medium"),
			AvailabilityZone: &zone, PromotionTier: new(int32(i)),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *shop) caches(ctx context.Context) error {
	_, err := elasticache.NewFromConfig(s.cfg).CreateReplicationGroup(ctx, &elasticache.CreateReplicationGroupInput{
		ReplicationGroupId: new("sessions"), ReplicationGroupDescription: new("sessions"), Engine: new("valkey"), CacheNodeType: new("cache.t4g.micro"),
		NumCacheClusters: new(int32(2)), AutomaticFailoverEnabled: new(true), MultiAZEnabled: new(true), PreferredCacheClusterAZs: zones,
	})
	s.there["cache"] = "sessions"
	return err
}

// names are a zone with a record, weighted records, and the health check of one.
func (s *shop) names(ctx context.Context) error {
	c := route53.NewFromConfig(s.cfg)
	zone, err := c.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: new("shop.example"), CallerReference: new("shop")})
	if err != nil {
		return err
	}
	s.there["hosted_zone"] = "shop.example"
	check, err := c.CreateHealthCheck(ctx, &route53.CreateHealthCheckInput{CallerReference: new("shop"), HealthCheckConfig: &r53types.HealthCheckConfig{
		Type: r53types.HealthCheckTypeHttp, FullyQualifiedDomainName: new("east.shop.example"), Port: new(int32(80)), ResourcePath: new("/"),
	}})
	if err != nil {
		return err
	}
	s.there["health_check"] = *check.HealthCheck.Id
	var batch r53types.ChangeBatch
	for i, set := range []r53types.ResourceRecordSet{
		{Name: new("www.shop.example"), TTL: new(int64(60))},
		{Name: new("api.shop.example"), TTL: new(int64(5)), SetIdentifier: new("east"), Weight: new(int64(100)), HealthCheckId: check.HealthCheck.Id},
		{Name: new("api.shop.example"), TTL: new(int64(5)), SetIdentifier: new("west"), Weight: new(int64(0))},
	} {
		set.Type, set.ResourceRecords = r53types.RRTypeA, []r53types.ResourceRecord{{Value: new(fmt.Sprintf("192.0.2.%d", i+1))}}
		batch.Changes = append(batch.Changes, r53types.Change{Action: r53types.ChangeActionCreate, ResourceRecordSet: &set})
	}
	_, err = c.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{HostedZoneId: zone.HostedZone.Id, ChangeBatch: &batch})
	return err
}

// alarm makes the alarms that wake somebody up, and that end a game day. Both are well.
func (s *shop) alarm(ctx context.Context) error {
	c := cloudwatch.NewFromConfig(s.cfg)
	for as, name := range map[string]string{"alarm": "shop-errors", "stop_alarm": "customers-suffer"} {
		s.there[as] = name
		_, err := c.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
			AlarmName: &name, ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, EvaluationPeriods: new(int32(1)), Threshold: new(1.0),
			MetricName: new("HTTPCode_Target_5XX_Count"), Namespace: new("AWS/ApplicationELB"), Period: new(int32(60)), Statistic: cwtypes.StatisticSum,
		})
		if err != nil {
			return err
		}
		if _, err := c.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: cwtypes.StateValueOk, StateReason: new("quiet")}); err != nil {
			return err
		}
	}
	return nil
}

// experiment is a template whose experiments end soon.
func (s *shop) experiment(ctx context.Context) error {
	out, err := fis.NewFromConfig(s.cfg).CreateExperimentTemplate(ctx, &fis.CreateExperimentTemplateInput{
		ClientToken: new("shop"), Description: new("EC2 turns the shop away"), RoleArn: new("arn:aws:iam::" + awsfake.Account + ":role/fis"),
		StopConditions: []fistypes.CreateExperimentTemplateStopConditionInput{{Source: new("aws:cloudwatch:alarm"), Value: new("arn:aws:cloudwatch:" + region + ":" + awsfake.Account + ":alarm:shop-errors")}},
		Actions: map[string]fistypes.CreateExperimentTemplateActionInput{"throttle": {
			ActionId: new("aws:fis:inject-api-throttle-error"), Targets: map[string]string{"Roles": "app"},
			Parameters: map[string]string{"duration": "PT10S", "service": "ec2", "operations": "RunInstances", "percentage": "100"},
		}},
		Targets: map[string]fistypes.CreateExperimentTemplateTargetInput{"app": {
			ResourceType: new("aws:iam:role"), SelectionMode: new("ALL"), ResourceArns: []string{"arn:aws:iam::" + awsfake.Account + ":role/app"},
		}},
	})
	if err != nil {
		return err
	}
	s.there["template"] = *out.ExperimentTemplate.Id
	return nil
}

func (s *shop) function(ctx context.Context) error {
	_, err := lambda.NewFromConfig(s.cfg).CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: new("mails"), Role: new("arn:aws:iam::" + awsfake.Account + ":role/mails"), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: new("bootstrap"),
		Code: &lambdatypes.FunctionCode{ZipFile: []byte("of no use here")},
	})
	s.there["function"] = "mails"
	return err
}

// table is a table of records that is also in the other region.
func (s *shop) table(ctx context.Context) error {
	c := dynamodb.NewFromConfig(s.cfg)
	_, err := c.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: new("records"), ProvisionedThroughput: &dynamotypes.ProvisionedThroughput{ReadCapacityUnits: new(int64(100)), WriteCapacityUnits: new(int64(50))},
		AttributeDefinitions: []dynamotypes.AttributeDefinition{
			{AttributeName: new("run"), AttributeType: dynamotypes.ScalarAttributeTypeS}, {AttributeName: new("seq"), AttributeType: dynamotypes.ScalarAttributeTypeN},
		},
		KeySchema: []dynamotypes.KeySchemaElement{{AttributeName: new("run"), KeyType: dynamotypes.KeyTypeHash}, {AttributeName: new("seq"), KeyType: dynamotypes.KeyTypeRange}},
	})
	if err != nil {
		return err
	}
	s.there["table"] = "records"
	_, err = c.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: new("records"), ReplicaUpdates: []dynamotypes.ReplicationGroupUpdate{
		{Create: &dynamotypes.CreateReplicationGroupMemberAction{RegionName: new(otherRegion)}},
	}})
	return err
}
