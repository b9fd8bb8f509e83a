package kubernetes

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// sighting is who has read the lines of the fault, and who has not.
type sighting struct{ with, without []string }

const (
	// asks is how often a resolver is asked: behind its address may be several servers.
	asks = 5
	// askTimeout is how long an answer of DNS may take.
	askTimeout = 2 * time.Second
	// reloadPoll is how often it is looked whether CoreDNS has read its Corefile.
	reloadPoll = 300 * time.Millisecond
)

// checkProof tries at plan time what Inspect will rely on.
func (s *session) checkProof(ctx context.Context, u misnamed) []sdk.Problem {
	seen, err := s.sight(ctx, u)
	switch {
	case err != nil && u.Resolver != "":
		return []sdk.Problem{problem("resolver", "CoreDNS cannot be asked there: "+err.Error(), "Give an address at which it answers gameday.")}
	case err != nil:
		return []sdk.Problem{problem("resolver", "It cannot be seen whether CoreDNS reads its Corefile: "+err.Error(), "Give resolver, an address at which CoreDNS can be asked.")}
	case len(seen.without) == 0:
		return []sdk.Problem{problem("targets", "No pod of CoreDNS is ready", "Check the target's selector.")}
	}
	return nil
}

// sight finds out who has read the lines.
func (s *session) sight(ctx context.Context, u misnamed) (sighting, error) {
	if u.Resolver != "" {
		return sightAt(ctx, u)
	}
	if u.Port == "" {
		return sighting{}, errors.New("the server block has no metrics (the plugin prometheus)")
	}
	var out sighting
	pods, err := s.listPods(ctx, u.ConfigMap.Namespace, u.Selector)
	if err != nil {
		return out, err
	}
	for _, p := range pods {
		if over(p) || !podReady(p) {
			continue
		}
		has, err := s.podHasRead(ctx, p, u)
		if err != nil {
			return out, err
		}
		if has {
			out.with = append(out.with, "pod "+p.Name)
		} else {
			out.without = append(out.without, "pod "+p.Name)
		}
	}
	return out, nil
}

// podHasRead asks a pod for its metrics. They say which plugins each zone has, so the zone of the fault is among them from the moment
// that its Corefile is served, and no more once another is.
func (s *session) podHasRead(ctx context.Context, p corev1.Pod, u misnamed) (bool, error) {
	ctx, cancel := cluster.Reading(ctx)
	defer cancel()
	b, err := s.cluster.Typed.CoreV1().Pods(p.Namespace).ProxyGet("http", p.Name, u.Port, "metrics", nil).DoRaw(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the metrics of the pod %s/%s at port %s: %w", p.Namespace, p.Name, u.Port, s.cluster.Explain(err))
	}
	return zoneInMetrics(b, u.Zone)
}

func zoneInMetrics(b []byte, zone string) (bool, error) {
	const metric = "coredns_plugin_enabled{"
	any := false
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), metric) {
			continue
		}
		any = true
		if strings.Contains(lines.Text(), `zone="`+zone+`."`) {
			return true, nil
		}
	}
	if !any {
		return false, fmt.Errorf("the metrics have no %s", strings.TrimSuffix(metric, "{"))
	}
	return false, nil
}

// sightAt asks the resolver for the zone of the fault.
func sightAt(ctx context.Context, u misnamed) (out sighting, err error) {
	for range asks {
		answer, err := ask(ctx, u.Resolver, u.Zone, dns.TypeTXT)
		if err != nil {
			return sighting{}, err
		}
		has := slices.ContainsFunc(answer.Answer, func(rr dns.RR) bool {
			txt, ok := rr.(*dns.TXT)
			return ok && strings.Join(txt.Txt, "") == u.Text
		})
		if has {
			out.with = []string{u.Resolver}
		} else {
			out.without = []string{u.Resolver}
		}
	}
	return out, nil
}

func ask(ctx context.Context, server, name string, typ uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), typ)
	client := dns.Client{Timeout: askTimeout}
	answer, _, err := client.ExchangeContext(ctx, q, server)
	if err != nil {
		return nil, fmt.Errorf("asking %s for %s: %w", server, name, err)
	}
	return answer, nil
}

// injectDNS waits until CoreDNS has read the lines.
func injectDNS(ctx context.Context, s *session, h sdk.Handle, u misnamed) error {
	return awaitDNS(ctx, "CoreDNS to read its new Corefile", func() (bool, string, error) {
		state, err := inspectDNS(ctx, s, h, u)
		return state.Status == sdk.Active, state.Evidence, err
	})
}

// revertDNS waits until CoreDNS has read the Corefile that was put back. Where all have shown the lines and none does any more, it was read, since
// Corefiles arrive in order. Otherwise they may still be on their way, until they have had their time.
func revertDNS(ctx context.Context, s *session, h sdk.Handle, u misnamed) error {
	shown := false
	return awaitDNS(ctx, "CoreDNS to read its old Corefile again", func() (bool, string, error) {
		o, err := s.cluster.Find(ctx, u.ConfigMap)
		if err != nil || o == nil {
			return true, "", err
		}
		// Somebody has changed it, so that it was left alone, with our lines in it.
		if is, _, _ := unstructured.NestedString(o.Object, "data", "Corefile"); strings.Contains(is, u.Zone) {
			return true, "", nil
		}
		seen, err := s.sight(ctx, u)
		switch {
		case err != nil || len(seen.with) > 0:
			shown = shown || err == nil && len(seen.without) == 0
			return false, "not read yet by " + strings.Join(seen.with, ", "), err
		case shown:
			return true, "", nil
		}
		began, err := s.records.Since(ctx, mark.Of(h.Run, h.ID))
		return began.IsZero() || time.Since(began) > time.Duration(u.Config.Arrival), "lines that nobody has read yet may still be on their way", err
	})
}

// awaitDNS waits through errors, too: CoreDNS may just be starting anew.
func awaitDNS(ctx context.Context, what string, done func() (bool, string, error)) error {
	tick := time.NewTicker(reloadPoll)
	defer tick.Stop()
	for {
		ok, detail, err := done()
		if ok && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %s: %w", what, detail, errors.Join(err, context.Cause(ctx)))
		case <-tick.C:
		}
	}
}

// inspectDNS says whether everybody who answers has read the lines, and, where it can ask, whether the names fail as they should.
func inspectDNS(ctx context.Context, s *session, _ sdk.Handle, u misnamed) (sdk.State, error) {
	seen, err := s.sight(ctx, u)
	switch {
	case err != nil:
		return unknown("%v", err), nil
	case len(seen.without) > 0:
		return unknown("not read yet by %s", strings.Join(seen.without, ", ")), nil
	case len(seen.with) == 0:
		return unknown("no pod of CoreDNS is ready"), nil
	}
	state := active("read by %s", strings.Join(seen.with, ", "))
	if u.Resolver == "" {
		return state, nil
	}
	for _, text := range u.Config.Names {
		if wrong, err := u.Config.differs(ctx, u.Resolver, text); err != nil || wrong != "" {
			return unknown("the Corefile is %s, but %s%s", state.Evidence, wrong, errText(err)), nil
		}
	}
	state.Evidence += "; " + strings.Join(u.Config.Names, ", ") + " fail there as they should"
	return state, nil
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// differs says in what the answer for a name is not what it should be.
func (c dnsConfig) differs(ctx context.Context, server, text string) (string, error) {
	name, _ := parseName(text)
	if name.Text == "" {
		name.Text = nowhere
	}
	types := map[string]uint16{"A": dns.TypeA}
	if c.Mode == "wrong_address" {
		types["AAAA"] = dns.TypeAAAA
	}
	for typ, number := range types {
		answer, err := ask(ctx, server, name.Text, number)
		if err != nil {
			return "", err
		}
		if got, want := inWords(answer), c.expected(typ); got != want {
			return fmt.Sprintf("%s answers for %s %s with %s instead of %s", server, typ, name.Text, got, want), nil
		}
	}
	return "", nil
}

func (c dnsConfig) expected(typ string) string {
	rcode := map[string]int{"nxdomain": dns.RcodeNameError, "servfail": dns.RcodeServerFailure, "refused": dns.RcodeRefused}[c.Mode]
	if c.Mode != "wrong_address" {
		return describeAnswer(rcode, nil)
	}
	return describeAnswer(rcode, c.addresses(typ))
}

func inWords(m *dns.Msg) string {
	var addresses []string
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			addresses = append(addresses, rr.A.String())
		case *dns.AAAA:
			addresses = append(addresses, rr.AAAA.String())
		}
	}
	return describeAnswer(m.Rcode, addresses)
}

func describeAnswer(rcode int, addresses []string) string {
	slices.Sort(addresses)
	if len(addresses) == 0 {
		return dns.RcodeToString[rcode] + " and no address"
	}
	return dns.RcodeToString[rcode] + " and " + strings.Join(addresses, ", ")
}
