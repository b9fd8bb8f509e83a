package lang

import (
	"crypto/md5"  // offered as a function, as Terraform does; nothing here relies on it
	"crypto/sha1" // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/gameday-toolkit/gameday/internal/guard"
)

// moreFunctions are those that Terraform's users expect and the standard library does not have.
func moreFunctions() map[string]function.Function {
	text := func(f func(string) (string, error)) function.Function {
		return function.New(&function.Spec{
			Params: []function.Parameter{{Name: "text", Type: cty.String}}, Type: function.StaticReturnType(cty.String),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				s, err := f(args[0].AsString())
				return cty.StringVal(s), err
			},
		})
	}
	two := func(f func(a, b string) bool) function.Function {
		return function.New(&function.Spec{
			Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "part", Type: cty.String}}, Type: function.StaticReturnType(cty.Bool),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
			},
		})
	}
	sum := func(f func([]byte) []byte) function.Function {
		return text(func(s string) (string, error) { return hex.EncodeToString(f([]byte(s))), nil })
	}
	return map[string]function.Function{
		"startswith": two(strings.HasPrefix), "endswith": two(strings.HasSuffix), "strcontains": two(strings.Contains),
		"base64encode": text(func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }),
		"base64decode": text(decodeBase64),
		"urlencode":    text(func(s string) (string, error) { return url.QueryEscape(s), nil }),
		"md5":          sum(func(b []byte) []byte { s := md5.Sum(b); return s[:] }),
		"sha1":         sum(func(b []byte) []byte { s := sha1.Sum(b); return s[:] }),
		"sha256":       sum(func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }),
		"sha512":       sum(func(b []byte) []byte { s := sha512.Sum512(b); return s[:] }),
		"duration":     guard.Duration(), "length": lengthFunc(), "sum": sumFunc(), "one": oneFunc(),
		"alltrue": quantifier(true), "anytrue": quantifier(false),
		"sensitive": markFunc(true), "nonsensitive": markFunc(false),
	}
}

func decodeBase64(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf("the text is not base64")
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

// lengthFunc counts the characters of a text and the elements of anything else.
func lengthFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v := args[0]
			switch t := v.Type(); {
			case t == cty.DynamicPseudoType || t == cty.String && !v.IsKnown():
				return cty.UnknownVal(cty.Number), nil
			case t == cty.String:
				return stdlib.Strlen(v)
			case t.IsObjectType():
				return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
			case t.IsTupleType() || t.IsCollectionType():
				return v.Length(), nil
			}
			return cty.NilVal, function.NewArgErrorf(0, "it has no length: it is %s", article(v.Type().FriendlyName()))
		},
	})
}

func elementsParam() []function.Parameter {
	return []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}}
}

func elementsOf(v cty.Value) ([]cty.Value, error) {
	if !v.CanIterateElements() {
		return nil, function.NewArgErrorf(0, "a list or a set is required")
	}
	return v.AsValueSlice(), nil
}

func sumFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Number)}}, Type: function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			total := cty.Zero
			for _, v := range args[0].AsValueSlice() {
				if v.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "there is a null in the list")
				}
				total = total.Add(v)
			}
			return total, nil
		},
	})
}

// oneFunc is the only element of a list, or null where it is empty.
func oneFunc() function.Function {
	return function.New(&function.Spec{
		Params: elementsParam(), Type: function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			all, err := elementsOf(args[0])
			switch {
			case err != nil:
				return cty.NilVal, err
			case len(all) == 0:
				return cty.NullVal(cty.DynamicPseudoType), nil
			case len(all) > 1:
				return cty.NilVal, function.NewArgErrorf(0, "there is more than one element")
			}
			return all[0], nil
		},
	})
}

// quantifier is alltrue or anytrue.
func quantifier(all bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}}, Type: function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for _, v := range args[0].AsValueSlice() {
				if !v.IsKnown() {
					return cty.UnknownVal(cty.Bool), nil
				}
				if is := !v.IsNull() && v.True(); is != all {
					return cty.BoolVal(!all), nil
				}
			}
			return cty.BoolVal(all), nil
		},
	})
}

// markFunc marks a value as sensitive, or takes the mark away.
func markFunc(on bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowMarked: true, AllowUnknown: true, AllowNull: true, AllowDynamicType: true}},
		Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if on {
				return args[0].Mark(sensitiveMark), nil
			}
			v, _ := args[0].UnmarkDeep()
			return v, nil
		},
	})
}
