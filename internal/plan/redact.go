package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const (
	redacted = "(sensitive)"
	// A shorter secret would turn texts to noise and hide nothing.
	shortestSecret = 3
)

// structural are the fields of an entry that the tool itself goes by. They come from the scenario's own names, and what
// is to be put back: a run must not lose its undo because a word in it is somebody's secret.
var structural = []string{"addr", "handle", "id", "run", "plugin", "fault", "kind", "name", "stage", "class", "undo", "targets", "by"}

// Redact removes every secret from a text that is about to be written.
func Redact(text string, secrets map[string]string) string {
	for _, s := range texts(secrets) {
		text = strings.ReplaceAll(text, s, redacted)
	}
	return text
}

// RedactEntry removes every secret from the texts of a JSON object that is about to be written.
func RedactEntry(body []byte, secrets map[string]string) []byte {
	if !mentions(body, secrets) {
		return body
	}
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return body
	}
	b, err := json.Marshal(redact(v, secrets))
	if err != nil {
		panic(fmt.Sprintf("plan: what was decoded always encodes: %v", err))
	}
	return b
}

// Mentions says whether a JSON value holds a secret in some text of it.
func Mentions(body json.RawMessage, secrets map[string]string) bool { return mentions(body, secrets) }

func mentions(body []byte, secrets map[string]string) bool {
	return slices.ContainsFunc(texts(secrets), func(s string) bool {
		quoted, err := json.Marshal(s)
		return err == nil && bytes.Contains(body, bytes.Trim(quoted, `"`))
	})
}

func redact(v any, secrets map[string]string) any {
	switch v := v.(type) {
	case string:
		return Redact(v, secrets)
	case []any:
		for i := range v {
			v[i] = redact(v[i], secrets)
		}
	case map[string]any:
		for k := range v {
			if !slices.Contains(structural, k) {
				v[k] = redact(v[k], secrets)
			}
		}
	}
	return v
}

// texts are the secrets as they may appear, the longest first.
func texts(secrets map[string]string) (out []string) {
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			if len(form) >= shortestSecret && !slices.Contains(out, form) {
				out = append(out, form)
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return out
}
