package corefile

import (
	"fmt"
	"slices"
	"strings"
)

// File is a Corefile.
type File struct {
	Blocks []Block
	// Imports are the patterns of other files that bring server blocks of their own.
	Imports []string

	text     string
	snippets map[string][]Directive
}

// Block is a server block.
type Block struct {
	Keys       []Key
	Directives []Directive
	Line       int

	inside int // offset of the first line inside it
}

// Directive is a line of a server block, with whatever block belongs to it.
type Directive struct {
	Name string
	Args []string // on the same line
	// Nested says that it has a block of its own.
	Nested bool
}

// Find gives the directives of a name.
func (b Block) Find(name string) (out []Directive) {
	for _, d := range b.Directives {
		if d.Name == name {
			out = append(out, d)
		}
	}
	return out
}

// Parse reads a Corefile.
func Parse(text string) (*File, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, file: &File{text: text, snippets: map[string][]Directive{}}}
	for !p.done() {
		if err := p.block(); err != nil {
			return nil, err
		}
	}
	if len(p.file.Blocks) == 0 {
		return nil, fmt.Errorf("there is no server block")
	}
	return p.file, nil
}

type parser struct {
	tokens []token
	at     int
	file   *File
}

func (p *parser) done() bool { return p.at >= len(p.tokens) }

func (p *parser) now() token { return p.tokens[p.at] }

// block reads a server block, a snippet or an import.
func (p *parser) block() error {
	begin := p.now()
	if begin.text == "import" {
		return p.imported()
	}
	words, err := p.keys()
	if err != nil {
		return err
	}
	opening := p.tokens[p.at-1]
	if !p.done() && p.now().line == opening.line {
		return fmt.Errorf("line %d: there is something behind the brace", opening.line)
	}
	directives, err := p.directives(begin.line)
	if err != nil {
		return err
	}
	if len(words) == 1 && strings.HasPrefix(words[0], "(") && strings.HasSuffix(words[0], ")") {
		p.file.snippets[strings.Trim(words[0], "()")] = directives
		return nil
	}
	b := Block{Directives: directives, Line: begin.line, inside: min(endOfLine(p.file.text, opening.end)+1, len(p.file.text))}
	for _, w := range words {
		k, err := parseKey(w)
		if err != nil {
			return fmt.Errorf("line %d: %w", begin.line, err)
		}
		b.Keys = append(b.Keys, k)
	}
	p.file.Blocks = append(p.file.Blocks, b)
	return nil
}

// imported reads an import between server blocks. What it brings is in other files.
func (p *parser) imported() error {
	line := p.now().line
	p.at++
	if p.done() || p.now().startsLine {
		return fmt.Errorf("line %d: an import of nothing", line)
	}
	pattern := p.now().text
	p.at++
	if !p.done() && !p.now().startsLine {
		return fmt.Errorf("line %d: an import of more than one thing", line)
	}
	if _, ok := p.file.snippets[pattern]; ok {
		return fmt.Errorf("line %d: the snippet %s stands for server blocks", line, pattern)
	}
	p.file.Imports = append(p.file.Imports, pattern)
	return nil
}

// keys reads what stands before the brace, and the brace.
func (p *parser) keys() (out []string, err error) {
	line := p.now().line
	for more := false; !p.done(); p.at++ {
		t := p.now()
		if t.text == "{" {
			p.at++
			if more || len(out) == 0 {
				return nil, fmt.Errorf("line %d: there is no zone before the brace", t.line)
			}
			return out, nil
		}
		if len(out) > 0 && t.startsLine && !more {
			break
		}
		word, comma := strings.CutSuffix(t.text, ",")
		if more = comma; word != "" {
			out = append(out, word)
		}
	}
	return nil, fmt.Errorf("line %d: there is a server block without braces", line)
}

// directives reads what is in braces, the closing one included.
func (p *parser) directives(begin int) (out []Directive, err error) {
	for !p.done() {
		t := p.now()
		if t.text == "}" {
			p.at++
			return out, nil
		}
		d, err := p.directive()
		if err != nil {
			return nil, err
		}
		if snippet, ok := p.snippet(d); ok {
			out = append(out, snippet...)
		} else {
			out = append(out, d)
		}
	}
	return nil, fmt.Errorf("line %d: the braces of the block are not closed", begin)
}

// snippet gives what an import of a snippet stands for.
func (p *parser) snippet(d Directive) ([]Directive, bool) {
	if d.Name != "import" || len(d.Args) != 1 {
		return nil, false
	}
	out, ok := p.file.snippets[d.Args[0]]
	return slices.Clone(out), ok
}

func (p *parser) directive() (Directive, error) {
	d := Directive{Name: p.now().text}
	line := p.now().line
	if d.Name == "{" {
		return d, fmt.Errorf("line %d: there is a brace without a directive", line)
	}
	p.at++
	for depth := 0; !p.done(); p.at++ {
		t := p.now()
		switch {
		case t.text == "{":
			depth++
			d.Nested = true
		case depth == 0 && (t.startsLine || t.text == "}"):
			return d, nil
		case t.text == "}":
			depth--
		case depth == 0:
			d.Args = append(d.Args, t.text)
		}
	}
	return d, nil // an error of the block's braces
}
