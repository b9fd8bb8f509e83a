package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type webhook struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Secret  string            `json:"secret"`
}

func webhookSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Sends what happened as JSON by HTTP POST.",
		Attributes: []sdk.Attribute{
			secretURL("Where to send it: http:// or https://"),
			{Name: "headers", Type: sdk.StringMap, Sensitive: true, Doc: "Headers of the request, such as Authorization"},
			secret("secret", "Signs the body: the header X-Gameday-Signature is \"sha256=\" and the HMAC-SHA256 of the body in hexadecimal"),
		},
	}
}

func newWebhook(cfg json.RawMessage) (Sender, error) {
	w := &webhook{}
	if err := read(cfg, w); err != nil {
		return nil, err
	}
	return w, address("url", w.URL)
}

// Send implements Sender.
func (w *webhook) Send(ctx context.Context, n News) error {
	body, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encoding the news: %w", err)
	}
	h := http.Header{}
	for k, v := range w.Headers {
		h.Set(k, v)
	}
	if w.Secret != "" {
		mac := hmac.New(sha256.New, []byte(w.Secret))
		mac.Write(body)
		h.Set("X-Gameday-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	return post(ctx, w.URL, h, body)
}
