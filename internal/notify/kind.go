package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Kind is one type of receiver.
type Kind struct {
	Schema sdk.Schema
	// New makes a sender from the block's values, by Schema. It opens no connection.
	New func(cfg json.RawMessage) (Sender, error)
}

// Kinds are all types of receivers, by the label of their block.
func Kinds() map[string]Kind {
	return map[string]Kind{
		"webhook":       {Schema: webhookSchema(), New: newWebhook},
		"slack":         {Schema: slackSchema(), New: newSlack},
		"grafana":       {Schema: grafanaSchema(), New: newGrafana},
		"opentelemetry": {Schema: telemetrySchema(), New: newTelemetry},
	}
}

// address checks a URL that news are sent to. The error does not hold it: it may be a secret.
func address(name, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%s must be an http:// or https:// URL", name)
	}
	return nil
}

// openAddress is address for a URL that is no secret, and stands in the plan for everybody: it must not hold one.
func openAddress(name, text, instead string) error {
	if err := address(name, text); err != nil {
		return err
	}
	if u, err := url.Parse(text); err != nil || u.User != nil {
		return fmt.Errorf("%s holds a user or a password, and is written into the plan: give them by %s", name, instead)
	}
	return nil
}

func read(cfg json.RawMessage, into any) error {
	if err := json.Unmarshal(cfg, into); err != nil {
		return errors.New("reading the notify block: its values do not fit")
	}
	return nil
}

func secret(name, doc string) sdk.Attribute {
	return sdk.Attribute{Name: name, Type: sdk.String, Sensitive: true, Doc: doc}
}

func secretURL(doc string) sdk.Attribute {
	a := secret("url", doc)
	a.Required = true
	return a
}
