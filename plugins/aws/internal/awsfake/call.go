package awsfake

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// call is one request, as far as it is understood.
type call struct {
	server       *Server
	request      *http.Request
	body         []byte
	id           string // the request's ID
	key          string // the access key
	region       string
	service      string
	op           string
	protocol     protocol
	form         url.Values
	state        *state
	pathElements []string
}

// action is the call as IAM names it.
func (c *call) action() string {
	if c.service == "monitoring" {
		return "cloudwatch:" + c.op
	}
	return c.service + ":" + c.op
}

// reads says whether the call only reads.
func (c *call) reads() bool {
	for _, p := range []string{"Describe", "Get", "List", "Simulate", "Query"} {
		if strings.HasPrefix(c.op, p) {
			return true
		}
	}
	return false
}

// str is a parameter of a query.
func (c *call) str(name string) string { return c.form.Get(name) }

func (c *call) flag(name string) bool { return c.form.Get(name) == "true" }

// num is a number, or a default.
func (c *call) num(name string, otherwise int) int {
	n, err := strconv.Atoi(c.form.Get(name))
	if err != nil {
		return otherwise
	}
	return n
}

// list is NAME.1, NAME.2 and so on.
func (c *call) list(name string) (out []string) {
	for i := 1; ; i++ {
		v, ok := c.form[fmt.Sprintf("%s.%d", name, i)]
		if !ok {
			return out
		}
		out = append(out, v[0])
	}
}

// records is a list of structures: NAME.1.FIELD, and NAME.1.FIELD.1 for a list in it, which becomes FIELD.1.
func (c *call) records(name string) (out []url.Values) {
	for i := 1; ; i++ {
		prefix := fmt.Sprintf("%s.%d.", name, i)
		one := url.Values{}
		for k, v := range c.form {
			if field, ok := strings.CutPrefix(k, prefix); ok {
				one[field] = v
			}
		}
		if len(one) == 0 {
			return out
		}
		out = append(out, one)
	}
}

// values is a list inside a record.
func values(v url.Values, name string) (out []string) {
	for i := 1; ; i++ {
		one, ok := v[fmt.Sprintf("%s.%d", name, i)]
		if !ok {
			return out
		}
		out = append(out, one[0])
	}
}

// decode reads a body of JSON.
func (c *call) decode(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return failf("SerializationException", "%v", err)
	}
	return nil
}

// page cuts a sorted list at the token and the size that the caller asks for, and returns the token of the next page.
func page[T any](all []T, token string, size int) ([]T, string, error) {
	from := 0
	if token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 || n > len(all) {
			return nil, "", failf("InvalidNextToken", "The token %q is not valid.", token)
		}
		from = n
	}
	if size <= 0 || from+size >= len(all) {
		return all[from:], "", nil
	}
	return all[from : from+size], strconv.Itoa(from + size), nil
}

// ordered are the values of a map by their keys.
func ordered[V any](m map[string]V) []V {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	out := make([]V, 0, len(m))
	for _, k := range keys {
		out = append(out, m[k])
	}
	return out
}
