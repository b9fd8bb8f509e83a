package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type grafana struct {
	URL       string   `json:"url"`
	Token     string   `json:"token"`
	Dashboard string   `json:"dashboard"`
	Tags      []string `json:"tags"`
}

func grafanaSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Writes annotations: a line at the start and at an abort, and at the end the stretches of the run and of each fault and action.",
		Attributes: []sdk.Attribute{
			{Name: "url", Type: sdk.String, Required: true, Doc: "The address of Grafana, such as https://grafana.example.org"},
			secret("token", "A service account's token that may write annotations"),
			{Name: "dashboard", Type: sdk.String, Doc: "Only on the dashboard with this UID. Default: wherever annotations with these tags are shown"},
			{Name: "tags", Type: sdk.StringList, Doc: "Tags besides gameday, the scenario, the service and the environment"},
		},
	}
}

func newGrafana(cfg json.RawMessage) (Sender, error) {
	g := &grafana{}
	if err := read(cfg, g); err != nil {
		return nil, err
	}
	return g, openAddress("url", g.URL, "token")
}

// annotation is the body of POST /api/annotations of Grafana's HTTP API; times are in milliseconds.
type annotation struct {
	Dashboard string   `json:"dashboardUID,omitempty"`
	Time      int64    `json:"time"`
	TimeEnd   int64    `json:"timeEnd,omitempty"`
	Tags      []string `json:"tags"`
	Text      string   `json:"text"`
}

// Send implements Sender.
func (g *grafana) Send(ctx context.Context, n News) error {
	if n.Moment != End {
		return g.annotate(ctx, g.annotation(n, string(n.Moment), n.At, time.Time{}, n.headline()+"\n"+n.detail()))
	}
	run := n.span()
	list := []annotation{g.annotation(n, "run", run.From, run.To, n.headline()+"\n"+n.detail())}
	for _, s := range n.Spans {
		if s.Kind != "phase" {
			list = append(list, g.annotation(n, s.Kind, s.From, s.To, strings.TrimSpace(s.Name+" "+strings.Join(s.Targets, ", "))))
		}
	}
	for i, a := range list {
		if err := g.annotate(ctx, a); err != nil {
			return fmt.Errorf("%d of %d annotations are missing: %w", len(list)-i, len(list), err)
		}
	}
	return nil
}

func (g *grafana) annotation(n News, kind string, from, to time.Time, text string) annotation {
	a := annotation{Dashboard: g.Dashboard, Time: from.UnixMilli(), Text: text, Tags: []string{"gameday", kind, n.Scenario, n.Environment}}
	if !to.IsZero() {
		a.TimeEnd = to.UnixMilli()
	}
	if n.Service != "" {
		a.Tags = append(a.Tags, n.Service)
	}
	a.Tags = append(a.Tags, g.Tags...)
	return a
}

func (g *grafana) annotate(ctx context.Context, a annotation) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encoding the annotation: %w", err)
	}
	h := http.Header{}
	if g.Token != "" {
		h.Set("Authorization", "Bearer "+g.Token)
	}
	return post(ctx, strings.TrimSuffix(g.URL, "/")+"/api/annotations", h, body)
}
