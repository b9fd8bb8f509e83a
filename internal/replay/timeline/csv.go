package timeline

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// csv reads time,kind,what in any order, with a header.
func (r *reader) csv(src []byte) error {
	c := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(src, []byte("\ufeff"))))
	c.FieldsPerRecord, c.TrimLeadingSpace = -1, true
	head, err := c.Read()
	if err != nil {
		return csvError(err)
	}
	cols, err := columnsOf(head, false)
	if err != nil {
		return &tree.Error{Line: 1, Err: err}
	}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return csvError(err)
		}
		line, _ := c.FieldPos(0)
		if err := r.row(cols, row, line); err != nil {
			return err
		}
	}
}

func csvError(err error) error {
	var pe *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("there is nothing in it")
	case errors.As(err, &pe):
		return &tree.Error{Line: max(1, pe.Line), Err: fmt.Errorf("this is not CSV: %w", pe.Err)}
	}
	return err
}

// columns say where in a row what stands; -1 for nowhere.
type columns struct{ time, kind, what int }

var headWords = map[string][]string{
	"time": {"time", "when", "timestamp", "at", "date", "time (utc)", "utc"},
	"kind": {"kind", "type", "phase", "category"},
	"what": {"what", "event", "description", "details", "action", "summary", "what happened", "message", "entry", "note"},
}

// columnsOf reads a header. A table of a post-mortem may have no kind; what it is about is then told by its words.
func columnsOf(head []string, kindOptional bool) (columns, error) {
	find := func(name string) int {
		return slices.IndexFunc(head, func(h string) bool { return slices.Contains(headWords[name], strings.ToLower(plainText(h))) })
	}
	c := columns{find("time"), find("kind"), find("what")}
	if c.time < 0 || c.what < 0 || c.kind < 0 && !kindOptional {
		return c, errors.New("the first line has to name the columns: time,kind,what")
	}
	return c, nil
}

func (r *reader) row(c columns, row []string, line int) error {
	cell := func(i int) string {
		if i < 0 || i >= len(row) {
			return ""
		}
		return strings.TrimSpace(row[i])
	}
	if strings.Join(row, "") == "" {
		return nil
	}
	if len(r.in.Entries) == maxEntries {
		return &tree.Error{Line: line, Err: fmt.Errorf("there are more than %d entries; a timeline is of one incident", maxEntries)}
	}
	t, err := r.dates.parse(plainText(cell(c.time)))
	if err != nil {
		return &tree.Error{Line: line, Err: err}
	}
	kind, ok := kindOf(plainText(cell(c.kind)))
	if !ok {
		return &tree.Error{Line: line, Err: fmt.Errorf("there is no kind %s; there are %s", short(cell(c.kind)), kindList())}
	}
	r.in.Entries = append(r.in.Entries, Entry{Moment{t, r.cite(line)}, kind, plainText(cell(c.what))})
	return nil
}

// Other words for the kinds, that people use.
var kindWords = map[string]Kind{
	"trigger": Fault, "cause": Fault, "onset": Impact, "customer impact": Impact, "detected": Detection, "alert": Detection, "ack": Acknowledged,
	"acknowledge": Acknowledged, "decided": Decision, "action": Mitigation, "mitigated": Mitigation, "fix": Mitigation, "resolved": Recovery, "resolution": Recovery,
	"recovered": Recovery, "info": Note, "communication": Note, "other": Note, "update": Note,
}

func kindOf(s string) (Kind, bool) {
	s = strings.ToLower(s)
	if s == "" || s == "?" {
		return Unknown, true
	}
	if k := Kind(s); slices.Contains(Kinds(), k) {
		return k, true
	}
	k, ok := kindWords[s]
	return k, ok
}

func kindList() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
