package tree

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds on what is read, so that a hostile file is an error and not a machine out of memory.
const (
	MaxSize  = 16 << 20 // of a file
	maxYAML  = 2 << 20  // of a YAML file: its reader needs far more memory than that of JSON
	maxDepth = 64
	maxNodes = 400_000 // with every alias of YAML written out
)

// Kind says what a node is.
type Kind int

// The kinds of nodes.
const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Map
)

// Node is one value and where it stands. A nil node is a value that is not there, and every method works on it.
type Node struct {
	Kind  Kind
	Text  string // of a bool, a number or a text, as it was written
	Line  int    // from 1
	Keys  []string
	Items []*Node // of a list; or of a map, by Keys
}

// Error is a mistake in a file, with its line.
type Error struct {
	Line int
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// ErrTooLarge is what ReadAll says of a file beyond MaxSize.
var ErrTooLarge = fmt.Errorf("it has more than %d MiB; export one incident, or one experiment, and not a whole history", MaxSize>>20)

// ReadAll reads a file of a stranger, and never more of it than MaxSize.
func ReadAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err == nil && len(b) > MaxSize {
		return nil, ErrTooLarge
	}
	return b, err
}

// Parse reads JSON, where it begins like that, and YAML otherwise.
func Parse(src []byte) (*Node, error) {
	if s := strings.TrimLeft(strings.TrimPrefix(string(src[:min(len(src), 4096)]), "\ufeff"), " \t\r\n"); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
		return JSON(src)
	}
	return YAML(src)
}

// Get follows keys of maps; of a key that is there twice the last counts. It is nil where there is no such value.
func (n *Node) Get(path ...string) *Node {
	for _, key := range path {
		n = n.field(key)
	}
	return n
}

func (n *Node) field(key string) *Node {
	if n == nil || n.Kind != Map {
		return nil
	}
	for i := len(n.Keys) - 1; i >= 0; i-- {
		if n.Keys[i] == key {
			return n.Items[i]
		}
	}
	return nil
}

// String is the text of a plain value, and empty for all else.
func (n *Node) String() string {
	if n == nil || n.Kind == Null || n.Kind == List || n.Kind == Map {
		return ""
	}
	return n.Text
}

// List are the items of a list, or nil.
func (n *Node) List() []*Node {
	if n == nil || n.Kind != List {
		return nil
	}
	return n.Items
}

// Has says whether there is a value that is not null.
func (n *Node) Has(path ...string) bool {
	got := n.Get(path...)
	return got != nil && got.Kind != Null
}

// At is the line of a node; 0 where it is not there.
func (n *Node) At() int {
	if n == nil {
		return 0
	}
	return n.Line
}

// budget counts what has been read.
type budget struct{ left int }

func (b *budget) take(line, depth int) error {
	if b.left--; b.left < 0 {
		return &Error{line, fmt.Errorf("there are more than %d values", maxNodes)}
	}
	if depth > maxDepth {
		return &Error{line, fmt.Errorf("it is nested more than %d deep", maxDepth)}
	}
	return nil
}

var errTruncated = errors.New("the file ends in the middle of a value; it may have been cut off")
