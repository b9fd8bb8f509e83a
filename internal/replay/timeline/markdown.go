package timeline

import (
	"errors"
	"regexp"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// markdown reads a post-mortem: front matter with start, end, title and tags, a table with a column for the time, and,
// where there are such headings, what customers had of it and what is to be done.
func (r *reader) markdown(src []byte) error {
	text := strings.ReplaceAll(strings.TrimPrefix(string(src), "\ufeff"), "\r\n", "\n")
	lines := strings.Split(text, "\n")
	at, err := r.frontMatter(lines)
	if err != nil {
		return err
	}
	d := &document{reader: r}
	for i := at; i < len(lines); i++ {
		if err := d.line(strings.TrimSpace(lines[i]), i+1); err != nil {
			return err
		}
	}
	if !d.found {
		return errors.New("there is no timeline in it: a table whose header names a column for the time and one for what happened, such as | time | kind | what |")
	}
	if r.dates.assumed {
		r.warn(1, "some times have no zone, and were taken for UTC")
	}
	return nil
}

// frontMatter reads what stands between two lines of ---, and says where the rest begins.
func (r *reader) frontMatter(lines []string) (rest int, err error) {
	if strings.TrimSpace(lines[0]) != "---" {
		return 0, nil
	}
	for i := 1; i < len(lines); i++ {
		if s := strings.TrimSpace(lines[i]); s != "---" && s != "..." {
			continue
		}
		if strings.TrimSpace(strings.Join(lines[1:i], "")) == "" {
			return i + 1, nil
		}
		n, err := tree.YAML([]byte(strings.Join(lines[1:i], "\n")))
		if err != nil {
			return 0, shift(err, 1)
		}
		return i + 1, shift(r.head(n), 1)
	}
	return 0, &tree.Error{Line: 1, Err: errors.New("the front matter has no end: a line of --- is missing")}
}

// shift moves a mistake down, for what was parsed without the lines above it.
func shift(err error, by int) error {
	var at *tree.Error
	if errors.As(err, &at) {
		return &tree.Error{Line: at.Line + by, Err: at.Err}
	}
	return err
}

func (r *reader) head(n *tree.Node) error {
	if n.Kind != tree.Map {
		return &tree.Error{Line: n.Line, Err: errors.New("the front matter is not a list of name: value")}
	}
	down := func(w Words) Words { w.Cite.Line++; return w }
	first(&r.in.Title, down(r.words(n.Get("title"))))
	first(&r.in.Service, down(r.words(n.Get("service"))))
	first(&r.in.Impact, down(r.words(n.Get("impact"))))
	for _, t := range n.Get("tags").List() {
		r.tag(t)
	}
	for i := range r.in.Tags {
		r.in.Tags[i] = down(r.in.Tags[i])
	}
	if err := r.span(n.Get("start"), n.Get("end")); err != nil {
		return err
	}
	for _, m := range []*Moment{&r.in.Start, &r.in.End} {
		m.Cite.Line++
	}
	for _, k := range []string{"impact_start", "detected", "acknowledged", "decided", "mitigated", "recovered", "resolved"} {
		kind, _ := kindOf(strings.TrimSuffix(k, "_start"))
		before := len(r.in.Entries)
		if err := r.entry(n.Get(k), kind, nil, k); err != nil {
			return err
		}
		for i := range r.in.Entries[before:] {
			r.in.Entries[before+i].Cite.Line++
		}
	}
	return nil
}

// document is what a post-mortem is while its lines go by.
type document struct {
	*reader
	section  string // the last heading, in small letters
	fenced   bool   // inside of ```
	head     []string
	cols     columns
	table    bool // inside the timeline
	found    bool
	anything bool // a heading with a title has been seen
}

var (
	dashes   = regexp.MustCompile(`^\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?$`)
	bullet   = regexp.MustCompile(`^(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?(.+)$`)
	heading  = regexp.MustCompile(`^(#{1,6})\s+(.+?)\s*#*$`)
	todoHead = regexp.MustCompile(`action item|remediation|remedies|follow[- ]?up|what we (?:will )?(?:do|change)`)
)

func (d *document) line(s string, n int) error {
	if strings.HasPrefix(s, "```") || strings.HasPrefix(s, "~~~") {
		d.fenced = !d.fenced
		return nil
	}
	if d.fenced {
		return nil
	}
	if m := heading.FindStringSubmatch(s); m != nil {
		if m[1] == "#" && !d.anything {
			first(&d.in.Title, Words{plainText(m[2]), d.cite(n)})
		}
		d.section, d.anything, d.head, d.table = strings.ToLower(plainText(m[2])), true, nil, false
		return nil
	}
	if strings.Contains(s, "|") {
		return d.tableLine(s, n)
	}
	d.head, d.table = nil, false
	switch m := bullet.FindStringSubmatch(s); {
	case m != nil && todoHead.MatchString(d.section):
		d.remedy(Words{plainText(m[1]), d.cite(n)})
	case s != "" && m == nil && strings.Contains(d.section, "impact"):
		first(&d.in.Impact, Words{plainText(s), d.cite(n)})
	}
	return nil
}

func (d *document) tableLine(s string, n int) error {
	switch {
	case d.table:
		return d.row(d.cols, cells(s), n)
	case d.head == nil:
		d.head = cells(s)
	case dashes.MatchString(s):
		if cols, err := columnsOf(d.head, true); err == nil {
			d.cols, d.table, d.found = cols, true, true
		}
	}
	return nil
}

// cells splits a line of a table. A bar behind a backslash is part of the text.
func cells(s string) []string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "|")
	if strings.HasSuffix(s, "|") && !strings.HasSuffix(s, `\|`) {
		s = s[:len(s)-1]
	}
	var out []string
	var cell strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '|':
			cell.WriteByte('|')
			i++
		case s[i] == '|':
			out = append(out, strings.TrimSpace(cell.String()))
			cell.Reset()
		default:
			cell.WriteByte(s[i])
		}
	}
	return append(out, strings.TrimSpace(cell.String()))
}

var (
	link     = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	emphasis = strings.NewReplacer("**", "", "__", "", "`", "")
)

// plainText is a text without the commonest marks of Markdown.
func plainText(s string) string {
	return strings.TrimSpace(emphasis.Replace(link.ReplaceAllString(s, "$1")))
}
