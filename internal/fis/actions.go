package fis

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
)

// native is the fault that does what an action of FIS does.
type native struct {
	fault, role string // the fault's type, and the role of its targets
	// differs says what is not the same here.
	differs string
	// lasting says that the fault stands until it is taken back, and not that it happens at a moment.
	lasting bool
	// ignored are parameters that need no counterpart.
	ignored []string
	// cannot says why this action is none of that fault; extra is what its block says besides.
	cannot func(parameters value) string
	extra  func(parameters value) []argument
}

// natives are the actions that have a fault of a plugin.
var natives = map[string]native{
	"aws:ec2:stop-instances":                              {fault: "aws_instance_stop", role: "Instances", lasting: true, ignored: []string{"completeIfInstancesTerminated"}},
	"aws:ec2:reboot-instances":                            {fault: "aws_instance_reboot", role: "Instances"},
	"aws:network:disrupt-connectivity":                    {fault: "aws_network_denied", role: "Subnets", lasting: true, ignored: []string{"scope"}, cannot: scope},
	"aws:rds:failover-db-cluster":                         {fault: "aws_db_failover", role: "Clusters"},
	"aws:rds:reboot-db-instances":                         {fault: "aws_db_failover", role: "DBInstances", ignored: []string{"forceFailover"}, cannot: plainReboot},
	"aws:elasticache:replicationgroup-interrupt-az-power": {fault: "aws_cache_failover", role: "ReplicationGroups", differs: interrupted},
	"aws:elasticache:interrupt-cluster-az-power":          {fault: "aws_cache_failover", role: "ReplicationGroups", differs: interrupted},
	"aws:arc:start-zonal-autoshift":                       {fault: "aws_zonal_shift", role: "ManagedResources", lasting: true, ignored: []string{"availabilityZoneIdentifier", "managedResourceTypes", "zonalAutoshiftStatuses"}, cannot: shiftsOthers, extra: shiftedZone},
	"aws:eks:pod-delete":                                  {fault: "kubernetes_pod_kill", role: "Pods", extra: grace, ignored: []string{"gracePeriodSeconds", "kubernetesServiceAccount", "fisPodContainerImage", "maxErrorsPercent", "fisPodLabels", "fisPodAnnotations", "fisPodSecurityPolicy"}},
}

const interrupted = "FIS takes the power from all cache nodes of the zone for as long as it lasts; here the groups with their primary in the zone fail over, and the nodes go on"

func scope(p value) string {
	if s := p.get("scope").String(); s != "all" {
		return fmt.Sprintf("its scope is %q, and aws_network_denied denies everything", s)
	}
	return ""
}

func plainReboot(p value) string {
	if p.get("forceFailover").String() != "true" {
		return "it reboots the databases without a failover, for which there is no fault"
	}
	return ""
}

func shiftsOthers(p value) string {
	for _, t := range split(p.get("managedResourceTypes").texts()) {
		if t != "ALB" && t != "NLB" {
			return fmt.Sprintf("it shifts resources of the type %s, and aws_zonal_shift shifts load balancers", t)
		}
	}
	if p.get("availabilityZoneIdentifier").String() == "" {
		return "nothing says which zone is left"
	}
	return ""
}

func shiftedZone(p value) []argument {
	z := p.get("availabilityZoneIdentifier")
	return []argument{{"zone", safehcl.Quote(z.String()), z.cite()}}
}

// grace is how long a pod may take to end. Without it, both leave that to the pod.
func grace(p value) []argument {
	g := p.get("gracePeriodSeconds")
	if n, err := strconv.ParseUint(g.String(), 10, 31); err == nil {
		return []argument{{"grace_period", safehcl.Quote(fmt.Sprintf("%ds", n)), g.cite()}}
	}
	return nil
}

// assumedHold stands where the template does not say how long something lasts, because it happens at a moment.
const assumedHold = time.Minute

// action makes a fault of an action, or says what is left to do.
func (w *writer) action(a *action) {
	n, ok := natives[a.id]
	p := a.get("parameters")
	switch {
	case a.id == "aws:fis:wait" && a.unclear == "":
		w.Gap()
		w.Comment(fmt.Sprintf("%s waits %s: it is part of at where something follows it.", a.cite(), text(a.length)))
		return
	case a.unclear != "":
		w.left(a, a.unclear, "")
		return
	case !ok:
		w.left(a, "", remedyFor(a.id))
		return
	}
	if n.cannot != nil {
		if why := n.cannot(p); why != "" {
			w.left(a, why, "")
			return
		}
	}
	t := w.target(a, n.role)
	if t.problem != "" {
		w.left(a, t.problem, "Select it as a target of gameday can, and write the fault "+n.fault+" for it.")
		return
	}
	w.fault(a, n, t)
	for _, k := range p.keys() {
		if k != lengthOf(a.id) && !contains(n.ignored, k) {
			w.unsupported(p.get(k), "this parameter has no counterpart")
		}
	}
}

func (w *writer) fault(a *action, n native, t target) {
	name := w.names.Of(a.name, "fault")
	w.Gap()
	if d := a.get("description").String(); d != "" {
		w.Comment(a.get("description").cite() + ": " + d)
	}
	if n.differs != "" {
		w.Comment("Not the same: " + n.differs + ".")
		w.assume(a.cite() + ": not the same: " + n.differs)
	}
	w.Open("fault", []string{n.fault, name}, a.cite())
	w.Expr("targets", t.addr, a.get("targets", n.role).cite())
	w.begin(a)
	w.hold(a, n)
	if n.extra != nil {
		for _, g := range n.extra(a.get("parameters")) {
			w.Expr(g.name, g.expr, g.note)
		}
	}
	w.Close()
	a.fault = "fault." + n.fault + "." + name
	if len(t.zones) == 1 {
		w.zones = append(w.zones, t.zones[0])
	}
}

// begin writes when a fault starts.
func (w *writer) begin(a *action) {
	after, at := a.begins()
	note := a.get("startAfter").cite()
	if after != "" {
		w.Expr("after", after, note+": there the end of the other is waited for; here that it is proven active, and at is how long it lasts")
		note = ""
	}
	if at > 0 {
		w.Text("at", text(at), note)
	}
}

// hold writes how long a fault lasts.
func (w *writer) hold(a *action, n native) {
	switch {
	case a.length > 0:
		w.Text("hold", text(a.length), a.lasts.cite())
	case n.lasting && a.id == "aws:ec2:stop-instances":
		w.warn(a.cite() + ": the original leaves its instances stopped: it has no startInstancesAfterDuration. Here they are started again.")
		w.Text("hold", "5m", w.assume("what the original would leave stopped is started again after 5 minutes"))
	default:
		w.Text("hold", text(assumedHold), w.assume("what happens at a moment is held for a minute: so long it has to recover before it is taken back"))
	}
}

// left leaves an action to whoever knows what is meant.
func (w *writer) left(a *action, why, remedy string) {
	what := fmt.Sprintf("the action %q, %s", a.name, safehcl.OneLine(a.id))
	if why != "" {
		what += ": " + why
	}
	if remedy == "" {
		remedy = "Write the fault that is meant."
	}
	if w.made.ID != "" {
		remedy += " Or let FIS do all of it: gameday import fis -whole."
	}
	w.todo(a.value, a.name, what, remedy)
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// remedies say what to do about actions without a counterpart, by how they begin; the first that fits counts.
var remedies = []struct{ prefix, remedy string }{
	{"aws:ssm:", "What a document does on a machine, nobody but its author can undo. Where it is a stress of CPU, memory, disk or network, use a fault of the plugin host."},
	{"aws:ec2:asg-insufficient-instance-capacity-error", "aws_scaling_suspended keeps a group from starting instances in any zone; aws_scaling_zone_removed makes it leave one, and end what runs there. Choose what is meant."},
	{"aws:ec2:api-insufficient-instance-capacity-error", "Only FIS can make the API answer like that."},
	{"aws:ec2:terminate-instances", "What is terminated cannot be put back. Stop the instances with aws_instance_stop."},
	{"aws:ec2:send-spot-instance-interruptions", "What is interrupted cannot be put back, and only FIS can send the notice."},
	{"aws:fis:inject-api-", "Only FIS can make the API answer like that."},
	{"aws:cloudwatch:assert-alarm-state", "Write a probe \"aws_alarm\" for it, and an objective over it."},
	{"aws:lambda:", "aws_lambda_concurrency with 0 has a function's calls throttled, which is not the same as an error or a delay. Choose what is meant."},
	{"aws:dynamodb:", "aws_table_capacity clamps what a table takes, which is not the same. Choose what is meant."},
	{"aws:eks:pod-", "See gameday plugin docs kubernetes for the faults of pods that there are."},
	{"aws:eks:", "See gameday plugin docs kubernetes for the faults of nodes that there are."},
	{"aws:network:", "See aws_network_denied, which denies everything in and out of subnets."},
}

func remedyFor(id string) string {
	for _, r := range remedies {
		if strings.HasPrefix(id, r.prefix) {
			return r.remedy
		}
	}
	return ""
}
