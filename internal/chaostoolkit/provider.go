package chaostoolkit

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// defaultTimeout stands where the original has none: it would wait for ever.
const defaultTimeout = 10 * time.Second

// timeout reads a number of seconds, or a pair of them: to connect, and to answer.
func (w *writer) timeout(p *tree.Node) (time.Duration, string) {
	n := p.Get("timeout")
	var sum float64
	for _, part := range append([]*tree.Node{n}, n.List()...) {
		if v, err := strconv.ParseFloat(part.String(), 64); err == nil && v > 0 && !math.IsInf(v, 0) {
			sum += v
		}
	}
	if sum < 0.001 {
		return defaultTimeout, w.assume("10 s to answer, where the original would wait for ever")
	}
	return time.Duration(min(sum, 24*3600) * float64(time.Second)).Round(time.Millisecond), w.cite(n)
}

// httpArguments writes what a request is. It says whether all of it could be written.
func (w *writer) httpArguments(p *tree.Node, probe bool) {
	method := strings.ToUpper(p.Get("method").String())
	if method == "" {
		method = "GET"
	}
	address, args, headers := p.Get("url"), p.Get("arguments"), p.Get("headers")
	w.Expr("method", safehcl.Quote(method), w.cite(p.Get("method")))
	target := address.String()
	if method == "GET" && len(keysOf(args)) > 0 {
		sep := "?"
		if strings.Contains(target, "?") {
			sep = "&"
		}
		target += sep + form(args)
	}
	w.Expr("url", w.expr(target), w.cite(address))
	var extra string
	if method != "GET" && args != nil && args.Kind != tree.Null {
		var body string
		body, extra = w.body(args, headers)
		w.Expr("body", body, w.cite(args))
	}
	if len(keysOf(headers)) > 0 || extra != "" {
		name, all := "headers", w.texts(headers)
		if probe && w.secretIn(headers) {
			name = "sensitive_headers"
		}
		if extra != "" {
			all = strings.TrimSuffix(strings.TrimSuffix(all, "}"), " ")
			if len(keysOf(headers)) > 0 {
				all += ","
			}
			all += " " + extra + " }"
		}
		w.Expr(name, all, w.cite(headers))
	}
	if verify := p.Get("verify_tls"); verify.String() == "false" {
		if probe {
			w.Open("tls", nil, w.cite(verify))
			w.Expr("insecure", "true", "")
			w.Close()
		} else {
			w.unsupported(verify, "verify_tls: an action verifies certificates")
		}
	}
}

// form encodes arguments, and leaves references to configuration as they are.
func form(args *tree.Node) string {
	var parts []string
	for i, k := range keysOf(args) {
		v := args.Items[i].String()
		if !reference.MatchString(v) {
			v = url.QueryEscape(v)
		}
		parts = append(parts, url.QueryEscape(k)+"="+v)
	}
	return strings.Join(parts, "&")
}

// body is what a request carries, with the header that tells of it where the original has none.
func (w *writer) body(args, headers *tree.Node) (body, header string) {
	typ := ""
	for i, k := range keysOf(headers) {
		if strings.EqualFold(k, "Content-Type") {
			typ = headers.Items[i].String()
		}
	}
	switch {
	case args.Kind != tree.Map && args.Kind != tree.List:
		return w.expr(args.String()), ""
	case strings.Contains(typ, "json"):
		return w.expr(jsonOf(args)), ""
	case typ != "":
		return w.expr(form(args)), ""
	}
	return w.expr(form(args)), safehcl.Quote("Content-Type") + " = " + safehcl.Quote("application/x-www-form-urlencoded")
}

// jsonOf writes a tree as JSON.
func jsonOf(n *tree.Node) string {
	switch n.Kind {
	case tree.Null:
		return "null"
	case tree.Bool:
		return n.Text
	case tree.Number:
		if !json.Valid([]byte(n.Text)) { // YAML has more ways to write one
			return jsonText(n.Text)
		}
		return n.Text
	case tree.List:
		var parts []string
		for _, i := range n.Items {
			parts = append(parts, jsonOf(i))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case tree.Map:
		var parts []string
		for i, k := range n.Keys {
			parts = append(parts, jsonText(k)+":"+jsonOf(n.Items[i]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return jsonText(n.Text)
}

// command is what a process provider runs. A text of arguments goes through a shell there, and so it does here.
func (w *writer) command(p *tree.Node) string {
	path, args := p.Get("path").String(), p.Get("arguments")
	if args != nil && args.Kind == tree.Text && args.Text != "" {
		return "[" + strings.Join([]string{`"/bin/sh"`, `"-c"`, w.expr(path + " " + args.Text)}, ", ") + "]"
	}
	words := []string{w.expr(path)}
	add := func(n *tree.Node) {
		if s := n.String(); s != "" {
			words = append(words, w.expr(s))
		}
	}
	for _, a := range args.List() {
		add(a)
	}
	for i, k := range keysOf(args) {
		words = append(words, w.expr(k))
		add(args.Items[i])
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// kindOf is the provider of an activity, in a word that names the block's type; empty for one without a counterpart.
func kindOf(p *tree.Node) string {
	switch p.Get("type").String() {
	case "http":
		return "http"
	case "process":
		return "exec"
	}
	return ""
}

// python says what a Python function would be here.
func python(p *tree.Node) (what, remedy string) {
	module, fn := p.Get("module").String(), p.Get("func").String()
	what = fmt.Sprintf("the Python function %s.%s", module, fn)
	for _, k := range knownModules {
		if strings.HasPrefix(module, k.module) && (k.fn == "" || strings.HasPrefix(fn, k.fn)) {
			return what, k.remedy
		}
	}
	return what, "gameday runs no Python. Let an action \"exec\" call it, with an undo that takes it back, or use a fault of a plugin."
}

// knownModules are the functions of the Kubernetes and AWS extensions that a fault of a plugin does the same as.
var knownModules = []struct{ module, fn, remedy string }{
	{"chaosk8s.pod.actions", "exec_in_pods", "Write it as an action \"exec\" with kubectl exec, and an undo."},
	{"chaosk8s.node.actions", "", "It would be a fault of the plugin kubernetes that is about nodes. See gameday plugin docs for its blocks."},
	{"chaosk8s.networking.actions", "deny_all", "It would be the fault kubernetes_network_policy of the plugin kubernetes. See gameday plugin docs for its blocks."},
	{"chaosk8s.deployment.actions", "", "It would be a fault of the plugin kubernetes that is about deployments. See gameday plugin docs for its blocks."},
	{"chaosk8s.", "", "Write it as a probe \"prometheus\", a probe \"exec\" with kubectl, or a fault of the plugin kubernetes."},
	{"chaosaws.ec2.actions", "terminate_instance", "It would be a fault of the plugin aws that is about instances; terminating one cannot be undone."},
	{"chaosaws.ec2.actions", "", "It would be a fault of the plugin aws that is about instances. See gameday plugin docs for its blocks."},
	{"chaosaws.asg.actions", "", "It would be a fault of the plugin aws that is about Auto Scaling groups. See gameday plugin docs for its blocks."},
	{"chaosaws.rds.actions", "", "It would be a fault of the plugin aws that is about databases. See gameday plugin docs for its blocks."},
	{"chaosaws.route53.actions", "", "It would be a fault of the plugin aws that is about DNS. See gameday plugin docs for its blocks."},
	{"azchaosaws.", "", "It would be a part of the fault aws_zone_outage of the plugin aws, or a fault of its own. See gameday plugin docs aws."},
	{"chaosaws.", "", "Write it as an alert or a fault of the plugin aws, or as a probe \"exec\" with the aws command."},
	{"chaostoxi.", "", "Write it as a fault of the plugin proxy: proxy_latency, proxy_bandwidth, proxy_timeout, proxy_reset."},
	{"chaosprometheus.", "", "Write it as a probe \"prometheus\" with its query, and min and max for the tolerance."},
}
