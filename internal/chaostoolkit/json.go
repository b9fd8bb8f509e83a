package chaostoolkit

import (
	"bytes"
	"encoding/json"
	"strings"
)

// jsonText writes a text as JSON, with < and > as they are.
func jsonText(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a text always encodes
	return strings.TrimSuffix(b.String(), "\n")
}
