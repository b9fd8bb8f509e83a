package pluginhost

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// What is kept of a plugin's output for error messages.
const (
	tailLines = 20
	lineSize  = 1024
)

// sink lets many plugins print to one writer, a whole line at a time.
type sink struct {
	mu sync.Mutex
	to io.Writer
}

func (s *sink) line(alias string, line []byte) {
	if s.to == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Nothing can be done about a terminal that went away, and a plugin must not suffer from it.
	_, _ = io.WriteString(s.to, alias+": "+string(line)+"\n")
}

// tail passes a plugin's lines to the sink and keeps the last of them.
type tail struct {
	alias string
	sink  *sink

	mu    sync.Mutex
	part  []byte
	lines []string
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	for {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		t.part = append(t.part, line[:min(len(line), lineSize-len(t.part))]...)
		if !whole {
			return n, nil
		}
		t.sink.line(t.alias, t.part)
		t.lines = append(t.lines, string(t.part))
		t.lines = t.lines[max(0, len(t.lines)-tailLines):]
		t.part, b = t.part[:0], rest
	}
}

// last returns the last lines, indented, for the end of an error message.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return ", and printed nothing"
	}
	return "; it last printed:\n  " + strings.Join(t.lines, "\n  ")
}

// lastWords are the last lines for the end of an error message, led by the one that says most: why Go ended the process, or
// else the very last.
func (t *tail) lastWords() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return ""
	}
	words := t.lines[len(t.lines)-1]
	for _, l := range t.lines {
		if strings.HasPrefix(l, "panic: ") || strings.HasPrefix(l, "fatal error: ") {
			words = l
		}
	}
	if len(t.lines) == 1 {
		return ": " + words
	}
	return ": " + words + "\nit last printed:\n  " + strings.Join(t.lines, "\n  ")
}
