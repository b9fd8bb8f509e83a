package awsfake

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// tree is what a call says or is answered, for a service that speaks more than one protocol. Its values are strings, numbers, times,
// and lists of strings, numbers, times or trees.
type tree map[string]any

// input reads what the call says, in whichever protocol.
func (c *call) input() (tree, error) {
	if c.protocol == query {
		return ofForm(c.form), nil
	}
	if len(c.body) == 0 {
		return tree{}, nil
	}
	v, err := cbor.Decode(c.body)
	if err != nil {
		return nil, failf("SerializationException", "%v", err)
	}
	t, ok := ofCBOR(v).(tree)
	if !ok {
		return nil, failf("SerializationException", "the body is no map")
	}
	return t, nil
}

// ofForm reads A.member.1.B=x as a list under A of trees with B.
func ofForm(form url.Values) tree {
	out := tree{}
	for k, v := range form {
		name, rest, deeper := strings.Cut(k, ".")
		if !deeper {
			out[name] = v[0]
			continue
		}
		inner, ok := out[name].(url.Values)
		if !ok {
			inner = url.Values{}
		}
		inner[rest] = v
		out[name] = inner
	}
	for k, v := range out {
		inner, ok := v.(url.Values)
		if !ok {
			continue
		}
		t := ofForm(inner)
		out[k] = t
		if members, ok := t["member"].(tree); ok {
			out[k] = members.inOrder()
		}
	}
	return out
}

func (t tree) inOrder() (out []any) {
	for i := 1; ; i++ {
		v, ok := t[strconv.Itoa(i)]
		if !ok {
			return out
		}
		out = append(out, v)
	}
}

func ofCBOR(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		out := tree{}
		for k, one := range v {
			out[k] = ofCBOR(one)
		}
		return out
	case cbor.List:
		var out []any
		for _, one := range v {
			out = append(out, ofCBOR(one))
		}
		return out
	case cbor.String:
		return string(v)
	case cbor.Uint:
		return float64(v)
	case cbor.Float64:
		return float64(v)
	case cbor.Float32:
		return float64(v)
	case *cbor.Tag:
		return ofCBOR(v.Value)
	}
	return nil
}

// asCBOR writes an answer.
func asCBOR(v any) cbor.Value {
	switch v := v.(type) {
	case tree:
		out := cbor.Map{}
		for k, one := range v {
			out[k] = asCBOR(one)
		}
		return out
	case []any:
		out := cbor.List{}
		for _, one := range v {
			out = append(out, asCBOR(one))
		}
		return out
	case float64:
		return cbor.Float64(v)
	case time.Time:
		return &cbor.Tag{ID: 1, Value: cbor.Float64(float64(v.UnixMilli()) / 1000)}
	case nil:
		return cbor.Map{}
	}
	return cbor.String(fmt.Sprint(v))
}

// MarshalXML writes an answer for the query protocol.
func (t tree) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for k, v := range t {
		if list, ok := v.([]any); ok && k != "member" {
			v = tree{"member": list}
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, one := range list {
			if at, ok := one.(time.Time); ok {
				one = at.UTC().Format(time.RFC3339Nano)
			}
			if err := e.EncodeElement(one, xml.StartElement{Name: xml.Name{Local: k}}); err != nil {
				return err
			}
		}
	}
	return e.EncodeToken(start.End())
}

func (t tree) str(name string) string {
	s, _ := t[name].(string)
	return s
}

// num reads a number, which a query has as text.
func (t tree) num(name string) float64 {
	switch v := t[name].(type) {
	case float64:
		return v
	case string:
		n, _ := strconv.ParseFloat(v, 64)
		return n
	}
	return 0
}

// at reads a time: text in a query, seconds in CBOR.
func (t tree) at(name string) time.Time {
	if s, ok := t[name].(string); ok {
		at, _ := time.Parse(time.RFC3339, s)
		return at
	}
	return time.UnixMilli(int64(t.num(name) * 1000))
}

func (t tree) in(name string) tree {
	v, _ := t[name].(tree)
	return v
}

func (t tree) trees(name string) (out []tree) {
	list, _ := t[name].([]any)
	for _, v := range list {
		if one, ok := v.(tree); ok {
			out = append(out, one)
		}
	}
	return out
}

func (t tree) strs(name string) (out []string) {
	list, _ := t[name].([]any)
	for _, v := range list {
		out = append(out, fmt.Sprint(v))
	}
	return out
}
