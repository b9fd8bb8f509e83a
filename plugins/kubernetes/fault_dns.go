package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/corefile"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// misnamed is a cluster DNS that answers wrongly for some names. The lines that do it stand first in the server blocks that serve the
// names. A block for a zone of the fault's own shows whether CoreDNS has read them. When every process of ours dies at once, they stay.
type misnamed struct {
	ConfigMap cluster.Ref `json:"config_map"`
	Selector  string      `json:"selector"`
	// Zone is the fault's own, and Text what is to be found there.
	Zone string `json:"zone"`
	Text string `json:"text"`
	// Resolver is who is asked whether the Corefile was read; Port is where the pods have their metrics, if nobody is.
	Resolver string    `json:"resolver,omitempty"`
	Port     string    `json:"port,omitempty"`
	Config   dnsConfig `json:"config"`
}

type dnsConfig struct {
	Mode      string   `json:"mode"`
	Names     []string `json:"names"`
	Addresses []string `json:"addresses,omitempty"`
	TTL       sdk.Span `json:"ttl"`
	Resolver  string   `json:"resolver,omitempty"`
	Arrival   sdk.Span `json:"arrival"`
}

func dnsDefaults() dnsConfig {
	return dnsConfig{Addresses: []string{"192.0.2.1", "2001:db8::1"}, TTL: sdk.Span(5 * time.Second), Arrival: sdk.Span(90 * time.Second)}
}

func dnsFailure() kind[misnamed] {
	return kind[misnamed]{
		name: "kubernetes_dns", targets: []string{"kubernetes_dns"},
		schema: sdk.Schema{
			Doc: "CoreDNS answers wrongly for chosen names, to everybody who asks it: lines with its plugin template are added to the Corefile, and it is " +
				"awaited and proven that CoreDNS has read them, at every pod by its metrics, or by asking at an address. Not to answer at all is not " +
				"possible this way; use the dns plugin on a node or in a pod. What a pod, or a cache on its node, keeps of an answer it keeps after the revert, too. " +
				"If every process of gameday dies at once, the lines stay until gameday recover.",
			Attributes: []sdk.Attribute{
				{Name: "mode", Type: sdk.String, Required: true, OneOf: []string{"nxdomain", "empty", "servfail", "refused", "wrong_address"}, Doc: "nxdomain: there is no such name. empty: it exists and has no such record. servfail, refused: that answer. wrong_address: addresses."},
				{Name: "names", Type: sdk.StringList, Required: true, Doc: "Names: shop.test is this one, .shop.test is it and everything below. Names of Services are such as web.shop.svc.cluster.local."},
				{Name: "addresses", Type: sdk.StringList, Default: []any{"192.0.2.1", "2001:db8::1"}, Doc: "For wrong_address, of either family. By default nobody has them. Without one of a family there is no such record."},
				{Name: "ttl", Type: sdk.Duration, Default: "5s", Doc: "For wrong_address: how long the address may be kept."},
				{Name: "resolver", Type: sdk.String, Doc: "IP:PORT at which gameday can ask CoreDNS. By default each pod is asked for its metrics, through the API server."},
				{Name: "arrival", Type: sdk.Duration, Default: "1m30s", Doc: "How long a changed ConfigMap may take until CoreDNS has read it: kubelets bring one within 75 seconds. Lines that are taken back before anybody has read them may still be on their way for so long, and the revert waits for that."},
			},
		},
		needs: dnsNeeds, also: dnsAlso, plan: planDNS, inject: injectDNS, inspect: inspectDNS, revert: revertDNS,
	}
}

func dnsNeeds(targets []sdk.Target) (out []access.Need) {
	all := refs(targets)
	if targets == nil {
		all = []cluster.Ref{{Kind: cluster.ConfigMaps}}
	}
	for _, r := range all {
		out = append(out, access.On(r.Kind, r.Namespace, r.Name, "get", "patch")...)
	}
	return out
}

// dnsAlso is what it takes to read the metrics.
func dnsAlso(config json.RawMessage, targets []sdk.Target) (out []access.Need, err error) {
	c := dnsDefaults()
	if err := (sdk.Request{ID: "fault", Config: config}).Decode(&c); err != nil || c.Resolver != "" {
		return nil, err
	}
	all := refs(targets)
	if targets == nil {
		all = []cluster.Ref{{}}
	}
	for _, r := range all {
		out = append(out, access.On(cluster.Pods, r.Namespace, "", "list")...)
		out = append(out, access.Need{Verb: "get", Resource: "pods", Subresource: "proxy", Namespace: r.Namespace})
	}
	return out, nil
}

func planDNS(ctx context.Context, s *session, req sdk.Request, m mark.Mark) (p plan[misnamed], problems []sdk.Problem, err error) {
	c := dnsDefaults()
	if err := req.Decode(&c); err != nil {
		return p, nil, err
	}
	names, problems := c.check()
	if len(req.Targets) != 1 {
		problems = append(problems, problem("targets", "One cluster DNS at a time", "Use several faults."))
	}
	if len(problems) > 0 {
		return p, problems, nil
	}
	r, o, problems, err := s.take(ctx, req.Targets[0])
	if err != nil || len(problems) > 0 {
		return p, problems, err
	}
	before, _, _ := unstructured.NestedString(o.Object, "data", "Corefile")
	after, found := c.edit(before, names, m)
	if problems = append(problems, found...); len(problems) > 0 {
		return p, problems, nil
	}
	edit, err := change.NewEdit(r.Kind, o, change.Set{Path: change.At("data", "Corefile"), Value: after.text})
	if err != nil {
		return p, nil, err
	}
	p.own = misnamed{ConfigMap: r, Selector: req.Targets[0].Attrs["selector"], Zone: zoneOfFault(m), Text: m.Hash, Resolver: c.Resolver, Port: after.metrics, Config: c}
	p.items = []change.Item{{Edit: &edit}}
	p.effects = append(after.added, fmt.Sprintf("CoreDNS reads that within %v, after the kubelet has brought it, which takes a minute or so", after.every))
	p.steps = []string{s.cluster.Kubectl("%s # and take out what is between the comments \"gameday %s\"", r.Args("edit"), m.Hash)}
	if edit.Held() != "" {
		return p, nil, nil // the frame says so
	}
	return p, append(s.checkProof(ctx, p.own), dnsWarnings(o, after)...), nil
}

// dnsWarnings are what may get in the way.
func dnsWarnings(o *unstructured.Unstructured, after edited) (out []sdk.Problem) {
	const kubelet, injection = 75 * time.Second, 2 * time.Minute
	if o.GetLabels()["addonmanager.kubernetes.io/mode"] == "Reconcile" || metav1.GetControllerOf(o) != nil {
		out = append(out, warning("targets", "Something keeps the ConfigMap as it is", "It may put the Corefile back at once. The fault is not active then."))
	}
	if kubelet+after.every > injection {
		out = append(out, warning("", fmt.Sprintf("CoreDNS looks for a change only every %v", after.every), "That may be too late for gameday, which waits two minutes. Give its plugin reload a shorter interval."))
	}
	return out
}

// check finds the mistakes in the block that are to be seen without the Corefile.
func (c dnsConfig) check() (names []corefile.Name, out []sdk.Problem) {
	if len(c.Names) == 0 {
		out = append(out, problem("names", "There are no names", "Name those for which CoreDNS is to answer wrongly."))
	}
	for i, text := range c.Names {
		name, ok := parseName(text)
		if !ok {
			out = append(out, problem(fmt.Sprintf("names.%d", i), fmt.Sprintf("%q is no name", text), "Write shop.test for this one name, or .shop.test for it and everything below."))
		}
		names = append(names, name)
	}
	for i, text := range c.Addresses {
		if _, err := netip.ParseAddr(text); err != nil && c.Mode == "wrong_address" {
			out = append(out, problem(fmt.Sprintf("addresses.%d", i), fmt.Sprintf("%q is no IP address", text), "Such as 192.0.2.1 or 2001:db8::1."))
		}
	}
	if c.Mode == "wrong_address" && len(c.Addresses) == 0 {
		out = append(out, problem("addresses", "There are no addresses", "Give some, or use mode = \"empty\"."))
	}
	if _, err := netip.ParseAddrPort(c.Resolver); c.Resolver != "" && err != nil {
		out = append(out, problem("resolver", fmt.Sprintf("%q is no address with a port", c.Resolver), "Such as 10.96.0.10:53."))
	}
	return names, out
}

// parseName reads a name of the block.
func parseName(text string) (corefile.Name, bool) {
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if text == "." {
		return corefile.Name{Below: true}, true
	}
	bare, below := strings.CutPrefix(name, ".")
	ok := len(bare) < 250 && regexp.MustCompile(`^([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$`).MatchString(bare)
	return corefile.Name{Text: bare, Below: below}, ok
}
