package fis

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
)

// target is what became of a target of the template: the address of a target block, or why there is none.
type target struct {
	addr, plugin string
	problem      string
	zones        []string // what it is confined to
}

// kindOfTarget says how a resource type is selected here.
type kindOfTarget struct {
	typ, plugin string
	selectors   []string          // that the target block has
	parameters  map[string]string // of the resource type, and the selectors that they are
}

// everyone are the selectors that all of these targets have.
var everyone = []string{"ids", "zones", "vpcs", "tags"}

// kindsOfTarget are the resource types that have a counterpart.
var kindsOfTarget = map[string]kindOfTarget{
	"aws:ec2:instance":                       {typ: "aws_instance", plugin: "aws", selectors: everyone},
	"aws:ec2:subnet":                         {typ: "aws_subnet", plugin: "aws", selectors: everyone, parameters: map[string]string{"availabilityZoneIdentifier": "zones", "vpc": "vpcs"}},
	"aws:rds:cluster":                        {typ: "aws_db_cluster", plugin: "aws", selectors: everyone, parameters: map[string]string{"writerAvailabilityZoneIdentifiers": "zones"}},
	"aws:rds:db":                             {typ: "aws_db_instance", plugin: "aws", selectors: everyone, parameters: map[string]string{"availabilityZoneIdentifiers": "zones"}},
	"aws:elasticache:replicationgroup":       {typ: "aws_cache_group", plugin: "aws", selectors: everyone, parameters: map[string]string{"availabilityZoneIdentifier": "zones"}},
	"aws:elasticache:redis-replicationgroup": {typ: "aws_cache_group", plugin: "aws", selectors: everyone, parameters: map[string]string{"availabilityZoneIdentifier": "zones"}},
	"aws:arc:zonal-shift-managed-resource":   {typ: "aws_load_balancer", plugin: "aws", selectors: everyone},
	"aws:eks:pod":                            {typ: "kubernetes_pod", plugin: "kubernetes"},
}

// filters are the paths by which FIS narrows resources down, and the selectors that they are.
var filters = map[string]string{
	"Placement.AvailabilityZone": "zones", "Placement.AvailabilityZoneId": "zones", "AvailabilityZone": "zones", "AvailabilityZoneId": "zones",
	"VpcId": "vpcs", "NetworkInterfaces.VpcId": "vpcs", "InstanceId": "ids", "SubnetId": "ids",
}

// argument is one line of a block.
type argument struct{ name, expr, note string }

// target writes the target block of an action's role, once for each target of the template.
func (w *writer) target(a *action, role string) target {
	name := a.get("targets", role).String()
	if t, made := w.targets[name]; made || name == "" {
		if name == "" {
			t.problem = fmt.Sprintf("it has no target %q", role)
		}
		return t
	}
	t := w.makeTarget(w.root.get("targets", name), name)
	w.targets[name] = t
	return t
}

func (w *writer) makeTarget(v value, name string) target {
	resource := v.get("resourceType").String()
	kind, ok := kindsOfTarget[resource]
	if !ok {
		return target{problem: fmt.Sprintf("its target %q is of the type %q, which has no counterpart", name, safehcl.OneLine(resource))}
	}
	s := &selection{kind: kind, v: v}
	if kind.plugin == "kubernetes" {
		s.pods()
	} else {
		s.resources()
	}
	s.mode()
	if s.problem != "" {
		return target{problem: fmt.Sprintf("of its target %q, %s", name, s.problem)}
	}
	block := w.names.Of(name, "target")
	w.Gap()
	w.Open("target", []string{kind.typ, block}, v.cite())
	for _, g := range s.args {
		w.Expr(g.name, g.expr, g.note)
	}
	w.onEmpty()
	w.Close()
	return target{addr: "target." + kind.typ + "." + block, plugin: kind.plugin, zones: s.zones}
}

func (w *writer) onEmpty() {
	if v := w.root.get("experimentOptions", "emptyTargetResolutionMode"); v.String() == "skip" {
		w.Text("on_empty", "skip", v.cite())
	}
}

// selection collects what a target block says. The first thing that cannot be said stays in problem.
type selection struct {
	kind    kindOfTarget
	v       value
	args    []argument
	zones   []string
	problem string
}

func (s *selection) cannot(format string, args ...any) {
	if s.problem == "" {
		s.problem = safehcl.OneLine(fmt.Sprintf(format, args...))
	}
}

// add says that one of the values must fit. Where it is said twice, both would have to hold, which one list cannot say.
func (s *selection) add(selector string, v value, values []string) {
	switch {
	case !slices.Contains(s.kind.selectors, selector):
		s.cannot("%s cannot be said of a target %s", v.path, s.kind.typ)
	case slices.ContainsFunc(s.args, func(a argument) bool { return a.name == selector }):
		s.cannot("%s says again what something else says already", v.path)
	case len(values) == 0:
		s.cannot("%s is empty", v.path)
	default:
		s.args = append(s.args, argument{selector, safehcl.Quotes(values), v.cite()})
		if selector == "zones" {
			s.zones = values
		}
	}
}

func (s *selection) resources() {
	if arns := s.v.get("resourceArns"); arns.Node != nil && len(arns.texts()) > 0 {
		s.add("ids", arns, arns.texts())
	}
	if tags := s.v.get("resourceTags"); len(tags.keys()) > 0 {
		s.tags(tags)
	}
	for i, f := range s.v.get("filters").List() {
		s.filter(value{f, fmt.Sprintf("%s.filters[%d]", s.v.path, i)})
	}
	params := s.v.get("parameters")
	for _, k := range params.keys() {
		if selector := s.kind.parameters[k]; selector != "" {
			s.add(selector, params.get(k), split(params.get(k).texts()))
		} else {
			s.cannot("the parameter %q has no counterpart", k)
		}
	}
	if len(s.args) == 0 {
		s.cannot("nothing says which resources are meant")
	}
}

func (s *selection) tags(v value) {
	var parts []string
	for _, k := range v.keys() {
		parts = append(parts, safehcl.Quote(k)+" = "+safehcl.Quote(v.get(k).String()))
	}
	s.add("tags", v, []string{"tags"})
	s.args[len(s.args)-1].expr = "{ " + strings.Join(parts, ", ") + " }"
}

// filter narrows down. That an instance runs needs no word: what does not run is left alone.
func (s *selection) filter(f value) {
	path, values := f.get("path").String(), f.get("values").texts()
	switch selector := filters[path]; {
	case path == "State.Name" && slices.Equal(values, []string{"running"}):
	case path == "State" && slices.Equal(values, []string{"available"}):
	case selector == "":
		s.cannot("the filter by %q has no counterpart", path)
	default:
		s.add(selector, f, values)
	}
}

// split takes lists that are written in one text.
func split(texts []string) (out []string) {
	for _, t := range texts {
		for _, part := range strings.Split(t, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// pods reads the parameters of a target aws:eks:pod.
func (s *selection) pods() {
	p := s.v.get("parameters")
	line := func(name, expr string, v value) { s.args = append(s.args, argument{name, expr, v.cite()}) }
	if ns := p.get("namespace"); ns.String() != "" {
		line("namespace", safehcl.Quote(ns.String()), ns)
	} else {
		s.cannot("nothing says in which namespace the pods are")
	}
	if zone := p.get("availabilityZoneIdentifier"); zone.String() != "" {
		line("zones", safehcl.Quotes([]string{zone.String()}), zone)
		s.zones = []string{zone.String()}
	}
	by := p.get("selectorValue")
	switch how := p.get("selectorType").String(); {
	case by.String() == "":
		s.cannot("nothing says which pods are meant")
	case how == "labelSelector":
		line("selector", safehcl.Quote(by.String()), by)
	case how == "deploymentName":
		line("owner", safehcl.Quote("deployment/"+by.String()), by)
	case how == "podName":
		line("names", safehcl.Quotes([]string{by.String()}), by)
	default:
		s.cannot("the selectorType %q has no counterpart", how)
	}
}

var some = regexp.MustCompile(`^(COUNT|PERCENT)\(([1-9][0-9]{0,5})\)$`)

// mode is how many of what matches are taken. Which ones FIS takes is left to chance; gameday takes them by the run's seed.
func (s *selection) mode() {
	v := s.v.get("selectionMode")
	m := some.FindStringSubmatch(v.String())
	switch {
	case v.String() == "" || v.String() == "ALL":
	case m == nil, m[1] == "PERCENT" && len(m[2]) > 2 && m[2] != "100":
		s.cannot("the selectionMode %q is none that there is", v.String())
	default:
		s.args = append(s.args, argument{strings.ToLower(m[1]), m[2], v.cite()})
	}
}
