package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func until(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		met := err == nil
		if met && len(args) > 1 {
			met = matched(args[1], string(b))
		}
		if met != neg {
			return
		}
	}
	ts.Fatalf("waited in vain for %v", args)
}

// matched looks for a line, or a part of one.
func matched(pattern, text string) bool {
	return regexp.MustCompile("(?m)" + pattern).MatchString(text)
}

// scenario also makes the world: a file that the service needs, and some others.
func scenario(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(filepath.Join("testdata", "scenario", "files.gameday.hcl"))
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o755))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "files.gameday.hcl"), b, 0o644))
	ts.Check(os.MkdirAll(ts.MkAbs("svc"), 0o755))
	for _, name := range []string{"up", "a1", "a2", "a3"} {
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("svc"), name), []byte(name), 0o644))
	}
}

// serve answers 200 while it works: VAR FILE [HEAL].
func serve(ts *testscript.TestScript, _ bool, args []string) {
	h := newHealth(ts, args[1:])
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !h.ok() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.URL)
}

func lastrun(ts *testscript.TestScript, _ bool, args []string) {
	found, err := filepath.Glob(filepath.Join(ts.MkAbs("."), "gameday-runs", "*"))
	ts.Check(err)
	if len(found) == 0 {
		ts.Fatalf("there is no run")
	}
	ts.Setenv(args[0], slices.Max(found))
}

func nowhere(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), args[0]) {
			ts.Fatalf("%s holds %q", path, args[0])
		}
		return err
	}))
}

// clean looks at the world itself.
func clean(ts *testscript.TestScript, _ bool, _ []string) {
	found, err := os.ReadDir(ts.MkAbs("svc"))
	ts.Check(err)
	up := false
	for _, f := range found {
		up = up || f.Name() == "up"
		if strings.Contains(f.Name(), "gameday") {
			ts.Fatalf("left behind: %s", f.Name())
		}
	}
	if !up {
		ts.Fatalf("the file is still missing")
	}
}

func flip(ts *testscript.TestScript, _ bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0xff
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

func cut(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	if size < 0 {
		info, err := os.Stat(ts.MkAbs(args[0]))
		ts.Check(err)
		size += info.Size()
	}
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// pester posts a file to an address until the script ends.
func pester(ts *testscript.TestScript, _ bool, args []string) {
	body, ended, done := ts.ReadFile(args[1]), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-tick.C:
			case <-ended:
				tick.Stop()
				return
			}
			if resp, err := http.Post("http://"+args[0]+"/", "application/json", strings.NewReader(body)); err == nil {
				_ = resp.Body.Close()
			}
		}
	}()
	ts.Defer(func() { close(ended); <-done })
}
