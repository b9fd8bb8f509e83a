package reports

import (
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleaned copies a model without control characters. Titles, evidence and answers come from people, plugins and systems
// under test, and a report is read in terminals too, which some of these characters steer. They become U+FFFD, so that it
// shows that there was something; ends of lines and tabs stay. What was handed in stays as it is.
func cleaned(m *Model) *Model { return cleanValue(reflect.ValueOf(m)).Interface().(*Model) }

func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return utf8.RuneError
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// cleanValue copies whatever can hold a string. Encoded JSON is left alone: control characters are escaped in it.
func cleanValue(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		return reflect.ValueOf(clean(v.String())).Convert(v.Type())
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return v
		}
		if v.Kind() == reflect.Interface {
			return cleanValue(v.Elem())
		}
		p := reflect.New(v.Type().Elem())
		p.Elem().Set(cleanValue(v.Elem()))
		return p
	case reflect.Struct:
		return cleanStruct(v)
	case reflect.Slice:
		if v.IsNil() || v.Type().Elem().Kind() <= reflect.Float64 { // numbers, and bytes among them
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(cleanValue(v.Index(i)))
		}
		return out
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			out.SetMapIndex(cleanValue(it.Key()), cleanValue(it.Value()))
		}
		return out
	}
	return v
}

// cleanStruct leaves fields that are not exported as they are: those of a time.
func cleanStruct(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			out.Field(i).Set(cleanValue(v.Field(i)))
		}
	}
	return out
}
