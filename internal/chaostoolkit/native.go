package chaostoolkit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// native is the fault of a plugin that does what a Python function of an extension does.
type native struct {
	plugin, target, fault string
	selectors, attributes []argument
	problem               string // why it is none of that fault after all

	w    *writer
	args *tree.Node
	read map[string]bool // arguments that have been understood
}

type argument struct{ name, expr, note string }

// natives are the functions that have a fault of a plugin, by module and name.
var natives = map[string]func(*native){
	"chaosk8s.pod.actions.terminate_pods":          terminatePods,
	"chaosk8s.node.actions.cordon_node":            func(n *native) { n.is("kubernetes", "kubernetes_node", "kubernetes_node_cordon"); n.node() },
	"chaosk8s.node.actions.drain_nodes":            drainNodes,
	"chaosk8s.deployment.actions.scale_deployment": scaleDeployment,
	"chaosaws.ec2.actions.stop_instance":           stopInstance,
	"chaosaws.ec2.actions.stop_instances":          stopInstances,
	"chaosaws.asg.actions.suspend_processes":       suspendProcesses,
	"chaosaws.rds.actions.failover_db_cluster":     failoverCluster,
	"chaosaws.rds.actions.reboot_db_instance":      rebootInstance,
	"chaosaws.fis.actions.start_experiment":        startExperiment,
	"azchaosaws.ec2.actions.fail_az":               failZone,
}

// takenBack are the functions that undo what one of natives does, which a fault does by itself.
var takenBack = map[string]string{
	"chaosk8s.node.actions.uncordon_node": "kubernetes", "chaosk8s.deployment.actions.scale_deployment": "kubernetes",
	"chaosaws.fis.actions.stop_experiment": "aws", "chaosaws.ec2.actions.start_instances": "aws", "chaosaws.asg.actions.resume_processes": "aws", "azchaosaws.ec2.actions.recover_az": "aws",
}

func function(p *tree.Node) string {
	if p.Get("type").String() != "python" {
		return ""
	}
	return p.Get("module").String() + "." + p.Get("func").String()
}

// native is the fault that an action becomes; nil for one that becomes none.
func (w *writer) native(a *tree.Node) *native {
	p := a.Get("provider")
	make := natives[function(p)]
	if make == nil || a.Get("type").String() == "probe" {
		return nil
	}
	n := &native{w: w, args: p.Get("arguments"), read: map[string]bool{}}
	make(n)
	for i, k := range keysOf(n.args) {
		if !n.read[k] && n.args.Items[i].Kind != tree.Null {
			n.cannot("its argument %q has no counterpart", k)
		}
	}
	return n
}

func (n *native) is(plugin, target, fault string) {
	n.plugin, n.target, n.fault = plugin, target, fault
}

func (n *native) cannot(format string, args ...any) {
	if n.problem == "" {
		n.problem = safehcl.OneLine(fmt.Sprintf(format, args...))
	}
}

// arg reads an argument; nil where it is not there, or is none at all.
func (n *native) arg(key string) *tree.Node {
	n.read[key] = true
	if a := n.args.Get(key); a != nil && a.Kind != tree.Null && (a.Kind == tree.List || a.Kind == tree.Map || a.String() != "") {
		return a
	}
	return nil
}

func (n *native) sel(name, key string) {
	if a := n.arg(key); a != nil {
		n.selectors = append(n.selectors, argument{name, n.w.expr(a.String()), n.w.cite(a)})
	}
}

// all selects by a list, or by one value.
func (n *native) all(name, key string) {
	if a := n.arg(key); a != nil {
		n.listed(name, a)
	}
}

func (n *native) listed(name string, a *tree.Node) {
	if slices.ContainsFunc(n.selectors, func(s argument) bool { return s.name == name }) {
		n.cannot("it says twice which %s are meant", name)
	}
	n.selectors = append(n.selectors, argument{name, n.list(a), n.w.cite(a)})
}

func (n *native) list(a *tree.Node) string {
	var parts []string
	for _, v := range append([]*tree.Node{a}, a.List()...) {
		if v.String() != "" {
			parts = append(parts, n.w.expr(v.String()))
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// namespace is "default" where nothing is said, as there.
func (n *native) namespace() {
	a, expr := n.arg("ns"), `"default"`
	if a != nil {
		expr = n.w.expr(a.String())
	}
	n.selectors = append(n.selectors, argument{"namespace", expr, n.w.cite(a)})
}

func (n *native) node() {
	n.all("names", "name")
	n.sel("selector", "label_selector")
	n.some("nothing says which nodes are meant")
}

func drainNodes(n *native) {
	n.is("kubernetes", "kubernetes_node", "kubernetes_node_drain")
	n.node()
	if c := n.arg("count"); c != nil {
		n.selectors = append(n.selectors, argument{"count", n.number(c, ""), n.w.cite(c)})
	}
	n.arg("delete_pods_with_local_storage")
	n.arg("timeout")
}

func terminatePods(n *native) {
	n.is("kubernetes", "kubernetes_pod", "kubernetes_pod_kill")
	n.namespace()
	n.sel("selector", "label_selector")
	n.arg("rand")
	n.arg("order")
	qty, mode := n.arg("qty"), n.arg("mode").String()
	switch {
	case isTrue(n.arg("all")):
	case mode == "percentage":
		n.selectors = append(n.selectors, argument{"percent", n.number(qty, "1"), n.w.cite(qty)})
	case mode == "" || mode == "fixed":
		n.selectors = append(n.selectors, argument{"count", n.number(qty, "1"), n.w.cite(qty)})
	default:
		n.cannot("its mode %q is none that there is", mode)
	}
	if g := n.arg("grace_period"); g != nil && g.String() != "-1" {
		if s, err := strconv.ParseUint(g.String(), 10, 31); err != nil {
			n.cannot("its grace_period %q is no number of seconds", g.String())
		} else {
			n.attributes = append(n.attributes, argument{"grace_period", safehcl.Quote(fmt.Sprintf("%ds", s)), n.w.cite(g)})
		}
	}
}

func (n *native) number(a *tree.Node, otherwise string) string {
	if a == nil {
		return otherwise
	}
	if plainNumber.MatchString(a.String()) {
		return a.String()
	}
	return n.w.expr(a.String())
}

func scaleDeployment(n *native) {
	n.is("kubernetes", "kubernetes_workload", "kubernetes_scale")
	n.namespace()
	n.selectors = append(n.selectors, argument{"kinds", `["deployment"]`, ""})
	n.all("names", "name")
	if r := n.arg("replicas"); r != nil {
		n.attributes = append(n.attributes, argument{"replicas", n.number(r, "0"), n.w.cite(r)})
	} else {
		n.cannot("nothing says how many replicas there are to be")
	}
}

func stopInstances(n *native) {
	n.is("aws", "aws_instance", "aws_instance_stop")
	n.all("ids", "instance_ids")
	n.all("zones", "az")
	n.filters("")
	n.some("nothing says which instances are meant")
	n.force()
}

// stopInstance takes one of those that fit, where it is not told which one.
func stopInstance(n *native) {
	one := n.arg("instance_id") != nil
	n.all("ids", "instance_id")
	stopInstances(n)
	if !one {
		n.selectors = append(n.selectors, argument{"count", "1", ""})
	}
}

func (n *native) force() {
	if f := n.arg("force"); isTrue(f) {
		n.attributes = append(n.attributes, argument{"force", "true", n.w.cite(f)})
	}
}

func (n *native) some(problem string) {
	if len(n.selectors) == 0 {
		n.cannot("%s", problem)
	}
}

// filters of EC2 select by tags, zones or VPCs, or have no counterpart. Where none is about a tag, defaultTag counts.
func (n *native) filters(defaultTag string) {
	a := n.arg("filters")
	var tags []string
	for _, f := range a.List() {
		name, values := f.Get("Name").String(), f.Get("Values")
		tag, isTag := strings.CutPrefix(name, "tag:")
		switch {
		case isTag && len(values.List()) == 1:
			tags = append(tags, safehcl.Quote(tag)+" = "+n.w.expr(values.List()[0].String()))
		case name == "availability-zone" || name == "availability-zone-id":
			n.listed("zones", values)
		case name == "vpc-id":
			n.listed("vpcs", values)
		case name == "instance-state-name": // what does not run is left alone
		default:
			n.cannot("its filter by %q has no counterpart", name)
		}
	}
	if len(tags) == 0 && defaultTag != "" {
		tags = []string{defaultTag}
	}
	if len(tags) > 0 {
		n.selectors = append(n.selectors, argument{"tags", "{ " + strings.Join(tags, ", ") + " }", n.w.cite(a)})
	}
}

func suspendProcesses(n *native) {
	n.is("aws", "aws_auto_scaling_group", "aws_scaling_suspended")
	n.all("names", "asg_names")
	n.some("nothing says by name which groups are meant")
	if p := n.arg("process_names"); p != nil {
		n.attributes = append(n.attributes, argument{"processes", n.list(p), n.w.cite(p)})
	}
}

// failoverCluster may name the instance that is to become the writer.
func failoverCluster(n *native) {
	n.is("aws", "aws_db_cluster", "aws_db_failover")
	n.all("ids", "db_cluster_identifier")
	n.some("nothing says which cluster is meant")
	if r := n.arg("target_db_instance_identifier"); r != nil {
		n.attributes = append(n.attributes, argument{"readers", n.list(r), n.w.cite(r)})
	}
}

func rebootInstance(n *native) {
	n.is("aws", "aws_db_instance", "aws_db_failover")
	n.all("ids", "db_instance_identifier")
	n.some("nothing says which instance is meant")
	if !isTrue(n.arg("force_failover")) {
		n.cannot("it reboots without a failover, for which there is no fault")
	}
}

// startExperiment has the targets of its template, and none of its own.
func startExperiment(n *native) {
	n.is("aws", "", "aws_fis_experiment")
	id := n.arg("experiment_template_id")
	if id == nil {
		n.cannot("nothing says which template is meant")
		return
	}
	n.attributes = append(n.attributes, argument{"template_id", n.w.expr(id.String()), n.w.cite(id)})
}

// failZone is of the extension for zones: it cuts the tagged subnets of a zone off, or stops its tagged instances.
func failZone(n *native) {
	switch t := n.arg("failure_type").String(); t {
	case "", "network":
		n.is("aws", "aws_subnet", "aws_network_denied")
	case "instance":
		n.is("aws", "aws_instance", "aws_instance_stop")
		n.attributes = append(n.attributes, argument{"force", "true", "as the original does"})
	default:
		n.is("aws", "aws_zone", "aws_zone_outage")
		n.cannot("its failure_type %q is none that there is", t)
	}
	n.all("zones", "az")
	n.filters(`"AZ_FAILURE" = "True"`)
	n.arg("state_path")
	if !slices.ContainsFunc(n.selectors, func(s argument) bool { return s.name == "zones" }) {
		n.cannot("nothing says which zone is meant")
	}
	if isTrue(n.arg("dry_run")) {
		n.cannot("it is a dry run, which gameday plan is for")
	}
}

// anyNative says whether something of the method becomes a fault.
func (w *writer) anyNative() bool {
	return slices.ContainsFunc(w.root.Get("method").List(), func(a *tree.Node) bool {
		n := w.native(w.resolve(a))
		return n != nil && n.problem == ""
	})
}

// nativeFault writes a fault and its target, and returns the fault's address.
func (w *writer) nativeFault(r, a *tree.Node, n *native, after string, at, rest time.Duration) string {
	w.plugin(n.plugin)
	name := w.names.Of(r.Get("name").String(), "fault")
	if n.target != "" {
		w.Gap()
		w.Open("target", []string{n.target, name}, w.cite(a))
		for _, s := range n.selectors {
			w.Expr(s.name, s.expr, s.note)
		}
		w.Close()
	}
	w.Gap()
	w.Open("fault", []string{n.fault, name}, w.cite(a))
	if n.target != "" {
		w.Expr("targets", "target."+n.target+"."+name, "")
	}
	w.when(a, after, at)
	w.Text("hold", max(rest, time.Minute).String(), w.assume("a fault is held for a minute, or for the pauses that are still to come; the original lasts until its rollbacks, or for ever"))
	for _, s := range n.attributes {
		w.Expr(s.name, s.expr, s.note)
	}
	w.Close()
	return "fault." + n.fault + "." + name
}

// plugin writes the block of a plugin before the first fault of it, with what the configuration says about it.
func (w *writer) plugin(name string) {
	if slices.Contains(w.plugins, name) {
		return
	}
	w.plugins = append(w.plugins, name)
	if name == "kubernetes" {
		w.Gap()
		w.Open("plugin", []string{name}, "")
		if v, ok := w.vars["KUBERNETES_CONTEXT"]; ok {
			w.Expr("context", "var."+v.name, "")
		} else {
			w.Comment(w.assume("the current context of the kubeconfig, as the original takes it"))
		}
		w.Close()
		return
	}
	account := w.needed("aws_account", "the only account in which something may be changed")
	region := ""
	if v, ok := w.vars["aws_region"]; ok {
		region = v.name
	} else {
		region = w.needed("aws_region", "the region in which the targets are")
	}
	w.Gap()
	w.Open("plugin", []string{name}, "")
	w.Expr("region", "var."+region, "")
	w.Expr("accounts", "[var."+account+"]", "")
	if v, ok := w.vars["aws_profile_name"]; ok {
		w.Expr("profile", "var."+v.name, "")
	}
	if v, ok := w.vars["aws_assume_role_arn"]; ok {
		w.Open("assume_role", nil, "")
		w.Expr("role_arn", "var."+v.name, "")
		w.Close()
	}
	w.Close()
}

// needed writes a variable that the original says nothing about.
func (w *writer) needed(name, what string) string {
	name = w.names.Of(name, "value")
	w.Gap()
	w.Open("variable", []string{name}, "")
	w.Expr("type", "string", "")
	w.Text("description", what, "")
	w.Close()
	w.made.Needed = append(w.made.Needed, "-var "+name+"=...: "+what)
	return name
}
