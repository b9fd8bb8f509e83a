package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Decode reads the block's values into v, a pointer to a struct with one field for each attribute. What the block does
// not set is left as it is. An attribute that v does not know is an error, because Schema and struct have come apart.
func (r Request) Decode(v any) error { return strict("the attributes of "+r.ID, r.Config, v) }

// Decode reads the values of the plugin's own block into v, as Request.Decode does.
func (s Settings) Decode(v any) error { return strict("the plugin's configuration", s.Config, v) }

// DecodeUndo reads back what Prepare put into Undo.
func (h Handle) DecodeUndo(v any) error {
	if len(h.Undo) == 0 {
		return fmt.Errorf("reading the handle %s: it has nothing in Undo", h.ID)
	}
	return strict("the handle "+h.ID, h.Undo, v)
}

func strict(what string, b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("reading %s: %w", what, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %s: more than one JSON value", what)
	}
	return nil
}

// Span is a length of time in a struct for Decode: the value of an attribute of type Duration, such as "1m30s".
type Span time.Duration

// UnmarshalJSON reads "1m30s".
func (s *Span) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("a length of time is a string such as \"1m30s\": %w", err)
	}
	if text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	*s = Span(d)
	return err
}

// MarshalJSON writes "1m30s".
func (s Span) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).String()) }
