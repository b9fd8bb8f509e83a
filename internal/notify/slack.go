package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type slack struct {
	URL string `json:"url"`
}

func slackSchema() sdk.Schema {
	return sdk.Schema{
		Doc:        "Posts to a Slack channel through an incoming webhook. Mattermost and Rocket.Chat understand it too.",
		Attributes: []sdk.Attribute{secretURL("The URL of the incoming webhook")},
	}
}

func newSlack(cfg json.RawMessage) (Sender, error) {
	s := &slack{}
	if err := read(cfg, s); err != nil {
		return nil, err
	}
	return s, address("url", s.URL)
}

// section is a block of Slack's Block Kit.
type section struct {
	Type string `json:"type"`
	Text markup `json:"text"`
}

type markup struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Bounds of Slack's Block Kit.
const (
	maxSection    = 2900
	maxObjectives = 20
)

// Send implements Sender.
func (s *slack) Send(ctx context.Context, n News) error {
	message := struct {
		Text   string    `json:"text"` // for notifications, and for whoever knows no blocks
		Blocks []section `json:"blocks"`
	}{Text: escape(n.headline())}
	add := func(text string) {
		if text != "" {
			message.Blocks = append(message.Blocks, section{"section", markup{"mrkdwn", clip(text, maxSection)}})
		}
	}
	add("*" + escape(n.headline()) + "*\n" + escape(n.detail()))
	add(objectives(n))
	add(closing(n))
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encoding the message: %w", err)
	}
	return post(ctx, s.URL, http.Header{}, body)
}

func objectives(n News) string {
	var lines []string
	for i, o := range n.Objectives {
		if i == maxObjectives {
			lines = append(lines, fmt.Sprintf("and %d more", len(n.Objectives)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("*%s* %s: %s (limit %s)", escape(o.Verdict), escape(o.Name), escape(o.Measured), escape(o.Limit)))
	}
	return strings.Join(lines, "\n")
}

// closing is what somebody has to act on, and where to look.
func closing(n News) string {
	var lines []string
	if len(n.Outstanding) > 0 {
		lines = append(lines, ":rotating_light: *Not proven to be put back:* "+escape(strings.Join(n.Outstanding, ", ")))
	}
	for _, f := range n.Findings[:min(len(n.Findings), maxObjectives)] {
		lines = append(lines, "• "+escape(f))
	}
	who := "Run " + n.Run
	if n.User != "" {
		who += " by " + n.User
	}
	if n.Report != "" {
		who += ", report at " + n.Report
		if n.Host != "" {
			who += " on " + n.Host
		}
	}
	return strings.Join(append(lines, "_"+escape(who)+"_"), "\n")
}

// escape keeps text from being taken for Slack's markup: links, mentions.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// clip cuts between characters, and never inside of one.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
