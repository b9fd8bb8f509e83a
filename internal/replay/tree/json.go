package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// JSON reads one JSON value.
func JSON(src []byte) (*Node, error) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	r := &jsonReader{src: src, dec: json.NewDecoder(bytes.NewReader(src)), line: 1, budget: budget{maxNodes}}
	r.dec.UseNumber()
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &Error{r.here(), errors.New("there is something after the end of the value")}
	}
	return n, nil
}

type jsonReader struct {
	src    []byte
	dec    *json.Decoder
	line   int
	upTo   int // how far lines have been counted
	budget budget
}

// here is the line of the last token. No token of JSON goes over lines.
func (r *jsonReader) here() int {
	at := int(min(r.dec.InputOffset(), int64(len(r.src))))
	r.line += bytes.Count(r.src[r.upTo:at], []byte("\n"))
	r.upTo = at
	return r.line
}

func (r *jsonReader) token() (json.Token, int, error) {
	t, err := r.dec.Token()
	line := r.here()
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return t, line, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, line, &Error{bytes.Count(r.src, []byte("\n")) + 1, errTruncated}
	case errors.As(err, &syntax):
		at := min(max(syntax.Offset, 0), int64(len(r.src)))
		return nil, line, &Error{bytes.Count(r.src[:at], []byte("\n")) + 1, fmt.Errorf("this is not JSON: %w", err)}
	}
	return nil, line, &Error{line, fmt.Errorf("this is not JSON: %w", err)}
}

func (r *jsonReader) value(depth int) (*Node, error) {
	t, line, err := r.token()
	if err != nil {
		return nil, err
	}
	return r.of(t, line, depth)
}

func (r *jsonReader) of(t json.Token, line, depth int) (*Node, error) {
	if err := r.budget.take(line, depth); err != nil {
		return nil, err
	}
	switch v := t.(type) {
	case nil:
		return &Node{Kind: Null, Line: line}, nil
	case bool:
		return &Node{Kind: Bool, Text: fmt.Sprint(v), Line: line}, nil
	case json.Number:
		return &Node{Kind: Number, Text: v.String(), Line: line}, nil
	case string:
		return &Node{Kind: Text, Text: v, Line: line}, nil
	case json.Delim:
		return r.inside(v, &Node{Kind: List, Line: line}, depth)
	}
	return nil, &Error{line, fmt.Errorf("%v is not a value", t)}
}

// inside reads what stands between the brackets.
func (r *jsonReader) inside(open json.Delim, n *Node, depth int) (*Node, error) {
	if open == '{' {
		n.Kind = Map
	}
	for r.dec.More() {
		if n.Kind == Map {
			key, line, err := r.token()
			if err != nil {
				return nil, err
			}
			name, ok := key.(string)
			if !ok {
				return nil, &Error{line, fmt.Errorf("%v is not the name of a field", key)}
			}
			n.Keys = append(n.Keys, name)
		}
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, item)
	}
	_, _, err := r.token()
	return n, err
}
