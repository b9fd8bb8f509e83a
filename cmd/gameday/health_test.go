package main

import (
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// health is whether a service works: while a file is there, or when something else has taken over. That is when the file
// has been gone for some time, or when another file has a certain text.
type health struct {
	path string
	heal time.Duration
	file string // with text: as soon as it says so
	text string

	mu   sync.Mutex
	gone time.Time
}

// newHealth reads FILE [HEAL], where HEAL is a duration or FILE=TEXT.
func newHealth(ts *testscript.TestScript, args []string) *health {
	h := &health{path: ts.MkAbs(args[0])}
	if len(args) < 2 {
		return h
	}
	if file, text, ok := strings.Cut(args[1], "="); ok {
		h.file, h.text = ts.MkAbs(file), text
		return h
	}
	var err error
	h.heal, err = time.ParseDuration(args[1])
	ts.Check(err)
	return h
}

func (h *health) ok() bool {
	down := h.down()
	if h.file != "" {
		b, _ := os.ReadFile(h.file)
		return down == 0 || string(b) == h.text
	}
	return down == 0 || h.heal > 0 && down >= h.heal
}

// down is for how long the file has been seen to be gone.
func (h *health) down() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if exists(h.path) {
		h.gone = time.Time{}
		return 0
	}
	if h.gone.IsZero() {
		h.gone = time.Now()
	}
	return time.Since(h.gone) + 1
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
