package lang

import (
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// openSLO is what we read of a document in the OpenSLO v1 format (https://github.com/OpenSLO/OpenSLO): an SLO, an SLI that one
// refers to, or a data source.
type openSLO struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Description string `yaml:"description"`
		Indicator   *struct {
			Spec openSLI `yaml:"spec"`
		} `yaml:"indicator"`
		IndicatorRef string `yaml:"indicatorRef"`
		openSLI      `yaml:",inline"`
		TimeWindow   []struct {
			Duration string `yaml:"duration"`
		} `yaml:"timeWindow"`
		Objectives []struct {
			Target        *float64 `yaml:"target"`
			TargetPercent *float64 `yaml:"targetPercent"`
		} `yaml:"objectives"`
		Type              string `yaml:"type"`
		ConnectionDetails any    `yaml:"connectionDetails"` // a map, or as in the project's own examples a list of maps
	} `yaml:"spec"`
}

type openSLI struct {
	Threshold yaml.Node  `yaml:"thresholdMetric"`
	Ratio     *openRatio `yaml:"ratioMetric"`
}

type openRatio struct {
	Counter          bool        `yaml:"counter"`
	Good, Bad, Total *openMetric `yaml:",omitempty"`
}

type openMetric struct {
	Source struct {
		Ref  string `yaml:"metricSourceRef"`
		Type string `yaml:"type"`
		Spec any    `yaml:"spec"` // each store has its own
	} `yaml:"metricSource"`
}

// openSLO takes over what the document says and the block does not.
func (b *body) openSLO(s *plan.SLO) {
	if !b.given("openslo") {
		if b.given("prometheus_url") {
			b.fail("prometheus_url", "There is no openslo that this belongs to", "Write it as url of the prometheus block.")
		}
		return
	}
	err := takeOpenSLO(b.str("openslo"), b.d.name, b.str("prometheus_url"), b.given("target"), b.given("period"), s)
	if err != nil {
		b.fail("openslo", "The OpenSLO document cannot be taken over", "%s.", upperFirst(err.Error()))
	}
}

const maxDocuments = 100

func takeOpenSLO(text, name, url string, hasTarget, hasPeriod bool, s *plan.SLO) error {
	docs, err := openDocuments(text)
	if err != nil {
		return err
	}
	doc, err := chooseSLO(docs, name)
	if err != nil {
		return err
	}
	sli, err := doc.indicator(docs)
	if err != nil {
		return err
	}
	if s.Ratio, err = sli.ratio(docs, url); err != nil {
		return fmt.Errorf("the SLO %q: %w", doc.Metadata.Name, err)
	}
	if s.Description == "" {
		s.Description = doc.Spec.Description
	}
	if !hasTarget {
		if s.Target, err = doc.target(); err != nil {
			return err
		}
	}
	if !hasPeriod && len(doc.Spec.TimeWindow) == 1 {
		s.Period, err = openDuration(doc.Spec.TimeWindow[0].Duration)
	}
	return err
}

func openDocuments(text string) (docs []openSLO, err error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, noYAML(err)
		}
		for _, n := range openObjects(&doc) {
			var d openSLO
			switch err := n.Decode(&d); {
			case err != nil:
				return nil, noYAML(err)
			case d.APIVersion != "openslo/v1" && d.APIVersion != "openslo.com/v1":
				return nil, fmt.Errorf("the apiVersion in line %d is %q, and openslo/v1 is understood", n.Line, clip(d.APIVersion))
			case len(docs) == maxDocuments:
				return nil, fmt.Errorf("it has more than %d documents", maxDocuments)
			}
			docs = append(docs, d)
		}
	}
}

// openObjects are those of one document: none, where there is nothing between two lines of ---, one, or a list.
func openObjects(doc *yaml.Node) []*yaml.Node {
	n := doc
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	switch {
	case n.Kind == 0 || n.ShortTag() == "!!null":
		return nil
	case n.Kind == yaml.SequenceNode:
		return n.Content
	}
	return []*yaml.Node{n}
}

func noYAML(err error) error {
	var types *yaml.TypeError
	if errors.As(err, &types) && len(types.Errors) > 0 {
		what, _, _ := strings.Cut(types.Errors[0], " into ") // the rest names our own types
		err = errors.New(strings.Replace(what, "cannot unmarshal", "nothing that OpenSLO has there:", 1))
	}
	return fmt.Errorf("it is no YAML of this form: %s", strings.Join(strings.Fields(err.Error()), " "))
}

// openText is a text of a map, or of one of a list of maps.
func openText(v any, key string) string {
	switch v := v.(type) {
	case map[string]any:
		s, _ := v[key].(string)
		return s
	case []any:
		for _, one := range v {
			if m, ok := one.(map[string]any); ok {
				if s, ok := m[key].(string); ok {
					return s
				}
			}
		}
	}
	return ""
}

// chooseSLO takes the only SLO, or of several the one with the block's name.
func chooseSLO(docs []openSLO, name string) (found openSLO, err error) {
	var names []string
	for _, d := range docs {
		if d.Kind == "SLO" {
			names = append(names, d.Metadata.Name)
			if len(names) == 1 || d.Metadata.Name == name {
				found = d
			}
		}
	}
	switch {
	case len(names) == 0:
		return found, errors.New("it holds no SLO")
	case len(names) > 1 && found.Metadata.Name != name:
		return found, fmt.Errorf("it holds several SLOs: name the block after one of %s", strings.Join(names, ", "))
	}
	return found, nil
}

// indicator is the SLO's own, or the one that it refers to.
func (d openSLO) indicator(docs []openSLO) (openSLI, error) {
	if d.Spec.Indicator != nil {
		return d.Spec.Indicator.Spec, nil
	}
	for _, other := range docs {
		if other.Kind == "SLI" && other.Metadata.Name == d.Spec.IndicatorRef {
			return other.Spec.openSLI, nil
		}
	}
	return openSLI{}, fmt.Errorf("the SLO %q has no indicator, and %q, which it refers to, is not in the document", d.Metadata.Name, clip(d.Spec.IndicatorRef))
}

func (i openSLI) ratio(docs []openSLO, url string) (*plan.Ratio, error) {
	r := i.Ratio
	switch {
	case r == nil:
		return nil, errors.New("it has no ratioMetric: a threshold has no good and bad events to count; write a probe")
	case !r.Counter:
		return nil, errors.New("its ratioMetric is not of counters (counter: true): write a prometheus block with expressions that count")
	case r.Total == nil || r.Good == nil && r.Bad == nil:
		return nil, errors.New("its ratioMetric needs total, and good or bad")
	}
	out := &plan.Ratio{URL: url, Interval: plan.Duration(5 * time.Second)}
	for _, m := range []*openMetric{r.Total, r.Good, r.Bad} {
		if m == nil {
			continue
		}
		query, at, err := m.query(docs)
		if err != nil {
			return nil, err
		}
		switch {
		case out.URL == "":
			out.URL = at
		case url == "" && at != "" && at != out.URL:
			return nil, errors.New("its metrics come from two servers, and one is asked: say which with prometheus_url, if it has both")
		}
		switch m {
		case r.Total:
			out.Total = query
		case r.Good:
			out.Good = query
		default:
			if out.Good == "" { // good is what is not bad
				out.Good = "(" + out.Total + ") - (" + query + ")"
			}
		}
	}
	if out.URL == "" {
		return nil, errors.New("no document names the address of the server: add prometheus_url")
	}
	return out, nil
}

func (m *openMetric) query(docs []openSLO) (query, url string, err error) {
	typ := m.Source.Type
	for _, d := range docs {
		if d.Kind == "DataSource" && d.Metadata.Name == m.Source.Ref {
			typ, url = orElse(d.Spec.Type, typ), openText(d.Spec.ConnectionDetails, "url")
		}
	}
	query = openText(m.Source.Spec, "query")
	switch {
	case !strings.EqualFold(typ, "prometheus"):
		return "", "", fmt.Errorf("its metric comes from %q, and only Prometheus is understood", clip(typ))
	case query == "":
		return "", "", errors.New("its metric has no spec.query")
	case strings.Contains(query, "{{"):
		return "", "", errors.New("its query is a template: write out what stands in {{ }}")
	}
	return query, url, nil
}

func (d openSLO) target() (percent float64, err error) {
	if len(d.Spec.Objectives) != 1 {
		return 0, fmt.Errorf("the SLO %q has %d objectives: say which target counts with target = 99.9", d.Metadata.Name, len(d.Spec.Objectives))
	}
	o := d.Spec.Objectives[0]
	switch {
	case o.TargetPercent != nil:
		percent = *o.TargetPercent
	case o.Target != nil:
		percent = math.Round(*o.Target*100*1e9) / 1e9 // 0.999 is 99.9, and not 99.90000000000001
	}
	if percent <= 0 || percent > 100 {
		return 0, fmt.Errorf("the SLO %q has no target between 0 and 1", d.Metadata.Name)
	}
	return percent, nil
}

var openDurationForm = regexp.MustCompile(`^(\d{1,5})([mhdwMQY])$`)

// openDuration reads a duration shorthand of OpenSLO. A month has 30 days, a quarter 90 and a year 365.
func openDuration(s string) (plan.Duration, error) {
	m := openDurationForm.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("its time window %q is not of the form 28d", clip(s))
	}
	day := 24 * time.Hour
	unit := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": day, "w": 7 * day, "M": 30 * day, "Q": 90 * day, "Y": 365 * day}[m[2]]
	n, err := strconv.Atoi(m[1])
	if err != nil || n == 0 || n > int(math.MaxInt64/int64(unit)) {
		return 0, fmt.Errorf("its time window %q is not a length of time", clip(s))
	}
	return plan.Duration(time.Duration(n) * unit), nil
}
