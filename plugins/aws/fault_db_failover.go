package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// failedOver is a database whose writer is moved: that of a cluster to one of its readers, that of a Multi-AZ instance to the zone of its standby. A
// failover is an event. Nothing undoes it, and the writer stays where it went unless failback makes it return. When every
// process of ours dies at once, AWS still ends what it has begun, and the writer stays there.
type failedOver struct {
	Cluster  string `json:"cluster,omitempty"`
	Instance string `json:"instance,omitempty"`
	// From and To are readers and writers of a cluster, or zones of an instance.
	From     string `json:"from"`
	To       string `json:"to,omitempty"`
	Failback bool   `json:"failback,omitempty"`
}

// dbSlow is how long a failover may take until AWS shows it. The zone of an instance is shown minutes after its failover.
const dbSlow = 20 * time.Minute

func dbFailover() part {
	return newPart(kind[failedOver]{
		name: "aws_db_failover", shelf: rdsShelf(), slow: dbSlow, once: true, about: "arn:{partition}:rds:{region}:{account}:*",
		attributes: []sdk.Attribute{
			{Name: "failback", Type: sdk.Bool, Default: false, Doc: "Fail over once more at the end, so that the writer returns to where it was. Otherwise it stays where it went."},
			{Name: "readers", Type: sdk.StringList, Doc: "Which readers of clusters may become the writer, the first that can. By default the one with the lowest promotion tier, as AWS chooses."},
		},
		needs: slices.Concat(reading("rds:DescribeDBInstances", "rds:DescribeDBClusters", "ec2:DescribeAvailabilityZones"),
			changing([]string{"{arn}", "arn:{partition}:rds:{region}:{account}:db:*"}, "rds:FailoverDBCluster", "rds:RebootDBInstance")),
		plan: planDBFailover, look: lookDBFailover,
		inject: func(ctx context.Context, s *site, _ mark, u failedOver) error { return u.move(ctx, s, u.To) },
		revert: revertDBFailover,
		remember: func(arn, note string) (item[failedOver], bool) {
			u := failedOver{Failback: strings.HasPrefix(note, "back:")}
			u.From = strings.TrimPrefix(strings.TrimPrefix(note, "back:"), "stay:")
			if id := resourceOf(arn); strings.Contains(arn, ":cluster:") {
				u.Cluster = id
			} else {
				u.Instance = id
			}
			return u.item(arn), note != ""
		},
	})
}

func (u failedOver) name() string { return cmp.Or(u.Cluster, u.Instance) }

func (u failedOver) item(arn string) item[failedOver] {
	note, after := "stay:"+u.From, "it stays there"
	if u.Failback {
		note, after = "back:"+u.From, "at the end it fails back"
	}
	out := item[failedOver]{
		arn: arn, name: u.name(), before: u.at(u.From), made: u.at(cmp.Or(u.To, "another place")), note: note, undo: u,
		effect: fmt.Sprintf("fail %s over from %s to %s; %s", u.name(), u.From, cmp.Or(u.To, "its standby"), after),
		byHand: fmt.Sprintf("to fail back: aws rds failover-db-cluster --db-cluster-identifier %s --target-db-instance-identifier %s", u.Cluster, u.From),
	}
	if u.Instance != "" {
		out.byHand = fmt.Sprintf("to fail back: aws rds reboot-db-instance --db-instance-identifier %s --force-failover", u.Instance)
	}
	return out
}

// at says where the writer is.
func (u failedOver) at(place string) string {
	if u.Cluster != "" {
		return "available with the writer " + place
	}
	return "available with its primary in " + place
}

// where reads where the writer is, and whether AWS is done with the database.
func (u failedOver) where(ctx context.Context, s *site) (place, status string, err error) {
	if u.Cluster != "" {
		c, err := dbCluster(ctx, s, u.Cluster)
		return writerOf(c), awssdk.ToString(c.Status), err
	}
	d, err := dbInstance(ctx, s, u.Instance)
	return awssdk.ToString(d.AvailabilityZone), awssdk.ToString(d.DBInstanceStatus), err
}

// move makes AWS fail over. An instance has one standby, so it needs no place.
func (u failedOver) move(ctx context.Context, s *site, to string) error {
	if u.Cluster != "" {
		_, err := s.rds().FailoverDBCluster(ctx, &rds.FailoverDBClusterInput{DBClusterIdentifier: &u.Cluster, TargetDBInstanceIdentifier: &to})
		return err
	}
	_, err := s.rds().RebootDBInstance(ctx, &rds.RebootDBInstanceInput{DBInstanceIdentifier: &u.Instance, ForceFailover: new(true)})
	return err
}

// lookDBFailover takes the writer's place for the proof. A writer elsewhere is by this fault if the mark is there and, where
// the fault has to bring it back, only if it is where the fault sent it.
func lookDBFailover(ctx context.Context, s *site, m mark, u failedOver) (view, error) {
	place, status, err := u.where(ctx, s)
	switch {
	case missing(err):
		return is(gone, "AWS does not know it any more"), nil
	case err != nil:
		return view{}, err
	case status != "available":
		return is(moving, "%s", status), nil
	case place == u.From:
		return is(before, "%s", u.at(place)), nil
	case m.Held && (place == u.To || u.To == "" || !u.Failback):
		return is(ours, "%s", u.at(place)), nil
	}
	return is(other, "%s", u.at(place)), nil
}

// revertDBFailover fails back and waits for it, if that is asked for. A reader that was the writer restarts first, and until
// then AWS refuses.
func revertDBFailover(ctx context.Context, s *site, _ mark, u failedOver) error {
	if !u.Failback {
		return nil
	}
	sent := false
	return poll(ctx, dbSlow, u.name()+" to be "+u.at(u.From)+" again", func(ctx context.Context) (bool, error) {
		place, status, err := u.where(ctx, s)
		if err != nil || status != "available" || place == u.From {
			return place == u.From && status == "available", err
		}
		if sent {
			return false, nil
		}
		err = u.move(ctx, s, u.From)
		sent = err == nil
		if strings.HasPrefix(codeOf(err), "InvalidDB") {
			return false, nil
		}
		return false, err
	})
}

func planDBFailover(ctx context.Context, s *site, a ask) ([]item[failedOver], []sdk.Problem, error) {
	var c struct {
		Failback bool     `json:"failback"`
		Readers  []string `json:"readers"`
	}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	clusters, err := a.among(ctx, s, "aws_db_cluster", listDBClusters)
	if err != nil {
		return nil, nil, err
	}
	instances, err := a.among(ctx, s, "aws_db_instance", listDBInstances)
	if err != nil {
		return nil, nil, err
	}
	var out []item[failedOver]
	var problems []sdk.Problem
	for _, r := range clusters {
		u, why, err := planCluster(ctx, s, a, r.id, c.Readers)
		if err != nil {
			return nil, nil, err
		}
		if why != "" {
			problems = append(problems, a.cannot(r.name+" "+why, "Choose another cluster, or give it a reader that is available in another zone."))
			continue
		}
		u.Failback = c.Failback
		out = append(out, u.item(r.arn))
	}
	for _, r := range instances {
		u, why, err := planInstance(ctx, s, r.id)
		if err != nil {
			return nil, nil, err
		}
		if why == memberOfCluster && a.target.Type == "aws_zone" {
			continue // its cluster is what fails over
		}
		if why != "" {
			problems = append(problems, a.cannot(r.name+" "+why, "Choose another database."))
			continue
		}
		u.Failback = c.Failback
		out = append(out, u.item(r.arn))
	}
	return out, problems, nil
}

// cannot is a mistake if the target was chosen by itself, and worth a word if it is one of many in a zone.
func (a ask) cannot(summary, detail string) sdk.Problem {
	if a.target.Type == "aws_zone" {
		return warning("targets", summary, "It is left as it is.")
	}
	return problem("targets", summary, detail)
}

// planCluster chooses the reader.
func planCluster(ctx context.Context, s *site, a ask, id string, allowed []string) (u failedOver, why string, err error) {
	c, err := dbCluster(ctx, s, id)
	if err != nil {
		return u, "", err
	}
	u = failedOver{Cluster: id, From: writerOf(c)}
	switch {
	case u.From == "":
		return u, "has no writer in this region", nil
	case awssdk.ToString(c.EngineMode) == "serverless":
		return u, "is Aurora Serverless v1, which AWS does not fail over on demand", nil
	case awssdk.ToString(c.Status) != "available":
		return u, fmt.Sprintf("is %s, and AWS fails over only what is available", awssdk.ToString(c.Status)), nil
	}
	readers, err := readersOf(ctx, s, c, a)
	if err != nil {
		return u, "", err
	}
	u.To = choose(readers, allowed)
	if u.To == "" && len(allowed) > 0 {
		return u, fmt.Sprintf("has none of the readers %q that it could fail over to", allowed), nil
	}
	if u.To == "" {
		return u, "has no reader that it could fail over to", nil
	}
	return u, "", nil
}

type reader struct {
	id, zone string
	tier     int32
}

// readersOf are the readers that could take over, those first that AWS itself would take. If a zone is lost, its readers could not.
func readersOf(ctx context.Context, s *site, c types.DBCluster, a ask) ([]reader, error) {
	var out []reader
	for _, m := range c.DBClusterMembers {
		if awssdk.ToBool(m.IsClusterWriter) {
			continue
		}
		d, err := dbInstance(ctx, s, awssdk.ToString(m.DBInstanceIdentifier))
		if err != nil {
			return nil, err
		}
		r := reader{awssdk.ToString(d.DBInstanceIdentifier), awssdk.ToString(d.AvailabilityZone), awssdk.ToInt32(m.PromotionTier)}
		if awssdk.ToString(d.DBInstanceStatus) == "available" && (a.target.Type != "aws_zone" || r.zone != a.target.Name) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(x, y reader) int { return cmp.Or(cmp.Compare(x.tier, y.tier), strings.Compare(x.id, y.id)) })
	return out, nil
}

func choose(readers []reader, allowed []string) string {
	if len(allowed) == 0 && len(readers) > 0 {
		return readers[0].id
	}
	for _, id := range allowed {
		if slices.ContainsFunc(readers, func(r reader) bool { return r.id == id }) {
			return id
		}
	}
	return ""
}

const memberOfCluster = "belongs to a cluster: use a target aws_db_cluster"

// planInstance says why an instance cannot fail over, if it cannot.
func planInstance(ctx context.Context, s *site, id string) (u failedOver, why string, err error) {
	d, err := dbInstance(ctx, s, id)
	if err != nil {
		return u, "", err
	}
	u = failedOver{Instance: id, From: awssdk.ToString(d.AvailabilityZone), To: awssdk.ToString(d.SecondaryAvailabilityZone)}
	switch {
	case awssdk.ToString(d.DBClusterIdentifier) != "":
		return u, memberOfCluster, nil
	case !awssdk.ToBool(d.MultiAZ):
		return u, "is in a single zone and has no standby to fail over to", nil
	case awssdk.ToString(d.DBInstanceStatus) != "available":
		return u, fmt.Sprintf("is %s, and AWS fails over only what is available", awssdk.ToString(d.DBInstanceStatus)), nil
	}
	return u, "", nil
}
