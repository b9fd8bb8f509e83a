package crash

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
)

// results is the matrix, as it comes in. It is the one thing that tests share.
var results = &matrix{}

type matrix struct {
	mu     sync.Mutex
	tables []*table
}

// table is one part of the matrix.
type table struct {
	mu      sync.Mutex
	name    string
	columns []string
	rows    []string
	cells   map[[2]string]string
}

func (m *matrix) table(name string, columns ...string) *table {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &table{name: name, columns: columns, cells: map[[2]string]string{}}
	m.tables = append(m.tables, t)
	return t
}

// What a cell says before it has an outcome.
const (
	notRun = "not run"
	failed = "FAILED"
)

// expect makes a place for a cell.
func (t *table) expect(row, column string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.rows, row) {
		t.rows = append(t.rows, row)
	}
	t.cells[[2]string{row, column}] = notRun
}

func (t *table) set(row, column, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cells[[2]string{row, column}] = what
}

func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s |\n|%s\n", strings.Join(t.columns, " | "), strings.Repeat(" --- |", len(t.columns)+1))
	for _, row := range t.rows {
		fmt.Fprintf(&b, "| %s |", row)
		for _, col := range t.columns {
			fmt.Fprintf(&b, " %s |", t.cells[[2]string{row, col}])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const page = "../../docs/crash-safety.md"

// publish prints the matrix, and may write it into the docs.
func (m *matrix) publish(write bool) error {
	for _, t := range m.tables {
		fmt.Printf("%s\n%s\n", t.name, t)
	}
	if !write {
		return nil
	}
	b, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	text := string(b)
	for _, t := range m.tables {
		if strings.Contains(t.String(), notRun) {
			continue // a part of a table is none
		}
		begin, end := "<!-- begin "+t.name+" -->\n", "<!-- end "+t.name+" -->"
		head, rest, ok := strings.Cut(text, begin)
		_, tail, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			return fmt.Errorf("%s has no place for the table %q", page, t.name)
		}
		text = head + begin + "\n" + t.String() + "\n" + end + tail
	}
	return os.WriteFile(page, []byte(text), 0o644)
}
