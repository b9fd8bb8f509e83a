package plan

import (
	"bytes"
	"encoding/json"
	"strconv"
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

// Hide keeps a value out of whatever is written during the run, although no Config is that value: the value of a sensitive
// variable, of which a Config holds a longer text.
func (d *Draft) Hide(value string) {
	if d.Secrets == nil {
		d.Secrets = map[string]string{}
	}
	d.Secrets["\x00hidden:"+strconv.Itoa(len(d.Secrets))] = value
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
