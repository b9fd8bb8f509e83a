package plan

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// A secret is replaced in every Config by a reference: a string that starts with a zero byte, which no HCL source can
// hold, so that no value of a user's is ever taken for one.
const secretMark = "\x00secret:"

// AddSecret keeps a sensitive value out of the plan and returns the reference to put in its place.
func (d *Draft) AddSecret(value string) string {
	if d.Secrets == nil {
		d.Secrets = map[string]string{}
	}
	ref := secretMark + strconv.Itoa(len(d.Secrets))
	d.Secrets[ref] = value
	return ref
}

// HasSecret says whether a Config holds a reference to a secret.
func HasSecret(config json.RawMessage) bool { return bytes.Contains(config, []byte(`\u0000secret:`)) }

// Reveal puts the secrets back into a Config. The result must not be written anywhere.
func Reveal(config json.RawMessage, secrets map[string]string) json.RawMessage {
	if len(secrets) == 0 || !HasSecret(config) {
		return config
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(config))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return config
	}
	b, err := json.Marshal(reveal(v, secrets))
	if err != nil {
		panic("plan: a decoded config always encodes: " + err.Error())
	}
	return b
}

func reveal(v any, secrets map[string]string) any {
	switch v := v.(type) {
	case string:
		if s, ok := secrets[v]; ok {
			return s
		}
	case []any:
		for i := range v {
			v[i] = reveal(v[i], secrets)
		}
	case map[string]any:
		for k := range v {
			v[k] = reveal(v[k], secrets)
		}
	}
	return v
}

// Redact removes every secret from a text that is about to be written.
func Redact(text string, secrets map[string]string) string {
	for _, s := range secrets {
		if len(s) >= 3 { // a shorter one would turn texts to noise and hide nothing
			text = strings.ReplaceAll(text, s, "(sensitive)")
		}
	}
	return text
}
