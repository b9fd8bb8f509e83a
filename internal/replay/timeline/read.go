package timeline

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// format is one way in which incidents are written down.
type format struct {
	name string
	// is says whether JSON looks like it; nil for what is not JSON.
	is   func(*tree.Node) bool
	json func(*reader, *tree.Node) error
	text func(*reader, []byte) error
}

func formats() []format {
	return []format{
		{name: "pagerduty", is: isPagerDuty, json: (*reader).pagerDuty},
		{name: "incident.io", is: isIncidentIO, json: (*reader).incidentIO},
		{name: "statuspage", is: isStatuspage, json: (*reader).statuspage},
		{name: "opsgenie", is: isOpsgenie, json: (*reader).opsgenie},
		{name: "markdown", text: (*reader).markdown},
		{name: "csv", text: (*reader).csv},
	}
}

// Formats are the names of all formats.
func Formats() (names []string) {
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// File is one file to read. Its name is for citations, and for telling what it is.
type File struct {
	Name    string
	Content []byte
}

// Options say what to look for. Both may be empty.
type Options struct {
	Format string // of all files; by their content where it is empty
	ID     string // of the incident, where a file has several
}

// reader gathers what the files say.
type reader struct {
	in    *Incident
	file  string
	id    string
	dates dates
}

// Read reads the files of one incident.
func Read(files []File, o Options) (*Incident, error) {
	r := &reader{in: &Incident{}, id: o.ID}
	for _, f := range files {
		if err := r.read(f, o.Format); err != nil {
			var at *tree.Error
			if errors.As(err, &at) {
				return nil, fmt.Errorf("%s:%d: %w", f.Name, at.Line, at.Err)
			}
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	slices.SortStableFunc(r.in.Entries, func(a, b Entry) int { return a.At.Compare(b.At) })
	switch n := len(r.in.Entries); {
	case n > maxEntries:
		return nil, fmt.Errorf("the timeline has %d entries, and may have %d; export one incident only", n, maxEntries)
	case n == 0 && r.in.Start.At.IsZero():
		return nil, errors.New("there is no time in it: neither a beginning nor an entry with a time. Name the format with -format, if it was mistaken for another")
	}
	return r.in, nil
}

func (r *reader) read(f File, want string) error {
	r.file = f.Name
	if bytes.IndexByte(f.Content, 0) >= 0 {
		return errors.New("this is not a text: it has zero bytes")
	}
	if len(bytes.TrimSpace(f.Content)) == 0 {
		return errors.New("the file is empty")
	}
	if want == "" && !looksLikeJSON(f.Content) {
		want = "markdown"
		if strings.EqualFold(filepath.Ext(f.Name), ".csv") {
			want = "csv"
		}
	}
	var root *tree.Node
	for _, one := range formats() {
		if want != "" && one.name != want {
			continue
		}
		if one.text != nil && want != "" {
			r.in.Format = one.name
			return one.text(r, f.Content)
		}
		if root == nil && one.is != nil {
			var err error
			if root, err = tree.JSON(f.Content); err != nil {
				return err
			}
		}
		if one.json != nil && (want != "" || one.is(root)) {
			r.in.Format = one.name
			return one.json(r, root)
		}
	}
	if want != "" {
		return fmt.Errorf("there is no format %q; there are %s", want, strings.Join(Formats(), ", "))
	}
	return fmt.Errorf("this JSON is of none of the tools that are known (%s); name it with -format, or write the timeline as CSV: time,kind,what", strings.Join(Formats()[:4], ", "))
}

func looksLikeJSON(b []byte) bool {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\ufeff")), " \t\r\n")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[')
}

func (r *reader) cite(line int) Cite { return Cite{r.file, line} }

func (r *reader) warn(line int, text string, args ...any) {
	if len(r.in.Warnings) < 100 {
		r.in.Warnings = append(r.in.Warnings, r.cite(line).String()+": "+fmt.Sprintf(text, args...))
	}
}

// words take a text of JSON.
func (r *reader) words(n *tree.Node) Words { return Words{n.String(), r.cite(n.At())} }

// first sets what no earlier file has set.
func first(at *Words, w Words) {
	if at.Text == "" {
		*at = w
	}
}

func (r *reader) tag(n *tree.Node) {
	if w := r.words(n); w.Text != "" && len(r.in.Tags) < maxTags {
		r.in.Tags = append(r.in.Tags, w)
	}
}

// moment reads a time of JSON, which is always whole.
func (r *reader) moment(n *tree.Node) (Moment, error) {
	if n.String() == "" {
		return Moment{}, nil
	}
	t, err := r.dates.parse(n.String())
	if err != nil {
		return Moment{}, &tree.Error{Line: n.At(), Err: err}
	}
	return Moment{t, r.cite(n.At())}, nil
}

// entry adds an entry of JSON, if it has a time. It stands where its text does.
func (r *reader) entry(when *tree.Node, kind Kind, what *tree.Node, otherwise string) error {
	m, err := r.moment(when)
	if err != nil || m.At.IsZero() {
		return err
	}
	text := what.String()
	if text == "" {
		text = otherwise
	} else {
		m.Cite = r.cite(what.At())
	}
	r.in.Entries = append(r.in.Entries, Entry{m, kind, text})
	return nil
}

// span sets beginning and end, where they are given and nothing earlier set them.
func (r *reader) span(start, end *tree.Node) error {
	for _, x := range []struct {
		at *Moment
		n  *tree.Node
	}{{&r.in.Start, start}, {&r.in.End, end}} {
		m, err := r.moment(x.n)
		if err != nil {
			return err
		}
		if x.at.At.IsZero() {
			*x.at = m
		}
	}
	return nil
}
