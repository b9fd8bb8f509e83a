package lang

import (
	"slices"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// kind describes one kind of block: what the core itself understands of it. What else a block may hold comes from the
// schema of its type.
type kind struct {
	name  string
	typed bool            // has a type label, whose schema describes the rest
	core  sdk.Schema      // the plain attributes and blocks
	refs  []refAttr       // the attributes that refer to other blocks
	each  bool            // may be repeated with for_each
	added []sdk.Attribute // what the core understands as well where the type is a plugin's
	only  string          // "scenario": not in an experiment; "experiment": not in a scenario
}

// refAttr is an attribute whose value is a reference, or, with list, one or several.
type refAttr struct {
	name string
	to   []string
	list bool
	word bool // a name in quotes will do too
	doc  string
}

func attr(name string, t sdk.Type, doc string) sdk.Attribute {
	return sdk.Attribute{Name: name, Type: t, Doc: doc}
}

func required(name string, t sdk.Type, doc string) sdk.Attribute {
	return sdk.Attribute{Name: name, Type: t, Doc: doc, Required: true}
}

func preset(name string, t sdk.Type, value any, doc string) sdk.Attribute {
	return sdk.Attribute{Name: name, Type: t, Doc: doc, Default: value}
}

func oneOf(name, value, doc string, allowed ...string) sdk.Attribute {
	return sdk.Attribute{Name: name, Type: sdk.String, Doc: doc, Default: value, OneOf: allowed}
}

func schema(attrs ...sdk.Attribute) sdk.Schema { return sdk.Schema{Attributes: attrs} }

func limitSchema() sdk.Schema {
	return kindSchema{
		attr("max_targets", sdk.Number, "how many targets may be touched in all"),
		attr("max_percent", sdk.Number, "how many percent of the population of each target type may be touched; never rounded up"),
		attr("max_faults", sdk.Number, "how many faults may be active at once"),
		attr("protect", sdk.StringList, "target types, names, IDs or TYPE/NAME that must not be touched"),
		attr("windows", sdk.StringList, "when a run may start, such as \"Mon-Fri 09:00-16:00 Europe/Zurich\""),
		attr("approvals", sdk.Number, "how many people must approve a run"),
		attr("approvers", sdk.String, "who may approve, by signature: the text of an OpenSSH allowed_signers file, such as file(\"approvers\")"),
		preset("approval_lifetime", sdk.Duration, "72h", "how long a signature holds"),
	}.with(sdk.Block{Name: "freeze", Schema: schema(
		required("from", sdk.String, "the first day or moment in which nothing may run: \"2026-12-15\" (of UTC), \"2026-12-15 Europe/Zurich\" or \"2026-12-15T18:00:00+01:00\""),
		required("to", sdk.String, "the last day, or the moment from which runs are possible again"),
		attr("reason", sdk.String, "why, for everybody who meets it"),
	)})
}

func ratioSchema() sdk.Schema {
	return schema(
		required("url", sdk.String, "the address of the Prometheus server"),
		required("good", sdk.String, "a PromQL expression that counts the good events"),
		required("total", sdk.String, "a PromQL expression that counts all events"),
		preset("interval", sdk.Duration, "5s", "how often it is asked"),
		attr("scrape_interval", sdk.Duration, "how often the server itself scrapes, where that is slower"),
		sdk.Attribute{Name: "headers", Type: sdk.StringMap, Sensitive: true, Doc: "headers of the request, such as Authorization"},
	)
}

var (
	startsAt    = preset("at", sdk.Duration, "0s", "when it starts, after the beginning of the inject phase or after `after`")
	startsAfter = refAttr{name: "after", to: []string{"fault", "action"}, list: true, doc: "starts only when each of these has happened: a fault is proven active, an action has ended, an experiment has done all it does"}
	itsTargets  = refAttr{name: "targets", to: []string{"target"}, list: true, doc: "what it touches: one target block or a list"}
)

// kinds are all the blocks of the language, in the order of the reference.
var kinds = []*kind{
	{name: "scenario", only: "scenario", core: schema(
		attr("title", sdk.String, "one line for people"),
		attr("hypothesis", sdk.String, "what is expected to happen"),
		attr("owner", sdk.String, "the team that acts on the findings"),
		attr("service", sdk.String, "the service under test"),
		preset("environment", sdk.String, "default", "where it runs; a project file may know more about it"),
		attr("tags", sdk.StringList, "words to find it by"),
		preset("baseline", sdk.Duration, "10s", "how long the steady state must hold before anything is injected"),
		preset("recovery", sdk.Duration, "60s", "how long to wait, after the reverts, for the steady state to hold again"),
	), refs: []refAttr{{name: "tier", to: []string{"tier"}, word: true, doc: "the tier whose figures objectives use when they have none"}}},
	{name: "variable"},
	{name: "locals"},
	{name: "plugin", core: schema(
		attr("version", sdk.String, "a constraint, such as \">= 0.1\""),
		attr("alias", sdk.String, "tells a second configuration of the same plugin apart"),
	)},
	{name: "target", typed: true, each: true, core: schema(
		oneOf("on_empty", "fail", "what to do when nothing matches", "fail", "skip"),
		attr("count", sdk.Number, "take only so many of what matches"),
		attr("percent", sdk.Number, "take only so many percent of what matches; never rounded up"),
	)},
	{name: "probe", typed: true, each: true, core: schema(
		preset("rate", sdk.Number, 10, "questions a second, whatever the answers do"),
		preset("timeout", sdk.Duration, "1s", "how long an answer may take"),
	)},
	{name: "slo", each: true, core: kindSchema{
		attr("description", sdk.String, "one line for people"),
		attr("target", sdk.Number, "percent of the answers that must be good; required unless openslo has one"),
		attr("openslo", sdk.String, "an OpenSLO v1 document whose ratio, target and period are taken over: file(\"slo.yaml\")"),
		attr("prometheus_url", sdk.String, "with openslo: the address of the Prometheus server, where the document names none"),
		attr("window", sdk.Duration, "how much of the past a violation is judged by; the longer of 1s and 20 samples when not set"),
		preset("period", sdk.Duration, "720h", "of the error budget"),
	}.with(sdk.Block{Name: "prometheus", Max: 1, Schema: ratioSchema()}),
		refs: []refAttr{{name: "probe", to: []string{"probe"}, doc: "the probe whose answers count; or a `prometheus` block"}}},
	{name: "ledger", typed: true, core: schema(
		preset("rate", sdk.Number, 10, "records a second"),
		preset("timeout", sdk.Duration, "1s", "how long an acknowledgement may take"),
	)},
	{name: "alert", typed: true, added: kindSchema{
		preset("interval", sdk.Duration, "1s", "how often it is asked: the error of the time to detect"),
	}},
	{name: "fault", typed: true, each: true, core: kindSchema{
		startsAt,
		required("hold", sdk.Duration, "how long it lasts at most"),
		oneOf("release", "hold", "when it is reverted: after `hold`, or as soon as every objective that waits on it has been stable", "hold", "recovered"),
	}.with(sdk.Block{Name: "limit", Max: 1, Schema: limitSchema()}), refs: []refAttr{itsTargets, startsAfter}},
	{name: "action", typed: true, core: schema(
		startsAt,
		preset("timeout", sdk.Duration, "60s", "how long it may take"),
	), refs: []refAttr{itsTargets, startsAfter}},
	{name: "objective", each: true, core: schema(
		attr("rto", sdk.Duration, "with slo: how soon it must hold again"),
		attr("rpo", sdk.Duration, "with ledger: how far back lost records may reach"),
		attr("within", sdk.Duration, "with alert: how soon it must fire"),
		attr("max_downtime", sdk.Duration, "with slo: how long it may be violated in all"),
		attr("max_budget", sdk.Number, "with slo: how many percent of the error budget may be spent"),
		preset("stable_for", sdk.Duration, "10s", "how long it must hold to count as recovered"),
	), refs: []refAttr{
		{name: "slo", to: []string{"slo"}, doc: "the SLO that is judged"},
		{name: "ledger", to: []string{"ledger"}, doc: "the ledger that is judged"},
		{name: "alert", to: []string{"alert"}, doc: "the alert that is judged"},
		{name: "fault", to: []string{"fault"}, doc: "the fault that starts the clock; the first one when not set"},
		{name: "actions", to: []string{"action"}, list: true, doc: "the actions that count as the response; all when not set"},
		{name: "tier", to: []string{"tier"}, word: true, doc: "where the figure comes from when it is not set here"},
	}},
	{name: "guard", core: schema(
		preset("for", sdk.Duration, "0s", "how long `when` must have been true"),
	)},
	{name: "limit", core: limitSchema()},
	{name: "notify", typed: true, only: "scenario", core: schema(
		attr("on", sdk.StringList, "when: any of \"start\", \"abort\" and \"end\"; all when not set"),
	)},
	{name: "tier", only: "scenario", core: schema(
		attr("rto", sdk.Duration, "how soon an SLO must hold again"),
		attr("rpo", sdk.Duration, "how far back lost records may reach"),
		attr("detect", sdk.Duration, "how soon an alert must fire"),
		attr("every", sdk.String, "how often its scenarios have to be tried, such as \"90d\": see `gameday scorecard`"),
	)},
	{name: "experiment", each: true, core: schema(startsAt), refs: []refAttr{startsAfter}},
	{name: "output", only: "experiment"},
	incidentKind, todoKind,
}

func kindOf(name string) *kind {
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	return nil
}

// belongsToPlugin says that blocks of this kind may choose a configuration with plugin = plugin.NAME.
func (k *kind) belongsToPlugin() bool {
	return slices.Contains([]string{"target", "probe", "ledger", "alert", "fault", "action"}, k.name)
}

// ofPlugin is the kind as it is for the types of a plugin.
func (k *kind) ofPlugin() *kind {
	own := *k
	own.core.Attributes = append(slices.Clip(k.core.Attributes), k.added...)
	return &own
}

type kindSchema []sdk.Attribute

func (s kindSchema) with(blocks ...sdk.Block) sdk.Schema {
	return sdk.Schema{Attributes: s, Blocks: blocks}
}
