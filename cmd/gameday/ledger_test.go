package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// records is a store by the ledger protocol that is as bad as files in a directory say: with "forget" it acknowledges what it
// does not keep, and "forgotten" says how many these were in the last run; with "twice" it keeps everything twice; with "unreadable" it cannot say
// what it has; with "confused" its pages have no end.
type records struct {
	*health
	dir string

	mu        sync.Mutex
	kept      map[string][]json.RawMessage
	forgotten map[string]int
}

// orders starts one: VAR DIR FILE [HEAL].
func orders(ts *testscript.TestScript, _ bool, args []string) {
	s := &records{health: newHealth(ts, args[2:]), dir: ts.MkAbs(args[1]), kept: map[string][]json.RawMessage{}, forgotten: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ledger", s.write)
	mux.HandleFunc("GET /ledger", s.read)
	srv := httptest.NewServer(mux)
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.URL+"/ledger")
}

func (s *records) says(name string) bool { return exists(filepath.Join(s.dir, name)) }

func (s *records) write(w http.ResponseWriter, r *http.Request) {
	var body json.RawMessage
	var e struct{ Run string }
	if json.NewDecoder(r.Body).Decode(&body) != nil || json.Unmarshal(body, &e) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.ok():
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case s.says("forget"):
		s.forgotten[e.Run]++
		if err := os.WriteFile(filepath.Join(s.dir, "forgotten"), []byte(strconv.Itoa(s.forgotten[e.Run])), 0o600); err != nil {
			panic(err)
		}
	case s.says("twice"):
		s.kept[e.Run] = append(s.kept[e.Run], body)
		fallthrough
	default:
		s.kept[e.Run] = append(s.kept[e.Run], body)
	}
	w.WriteHeader(http.StatusCreated)
}

// read gives pages of 50.
func (s *records) read(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	after, _ := strconv.Atoi(r.FormValue("after"))
	kept := s.kept[r.FormValue("run")]
	page := struct {
		Records []json.RawMessage `json:"records"`
		Next    int               `json:"next,omitempty"`
	}{Records: append([]json.RawMessage{}, kept[min(after, len(kept)):min(after+50, len(kept))]...)}
	if after+50 < len(kept) {
		page.Next = after + 50
	}
	if s.says("confused") {
		page.Next = 1
	}
	if s.says("unreadable") || !s.ok() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_ = json.NewEncoder(w).Encode(page)
}

// figure looks at the newest report.json: PATH REGEX. A path goes down by names; in a list, by the addr, name, kind or rule of
// an entry. Numbers joined by + are added up.
func figure(ts *testscript.TestScript, neg bool, args []string) {
	if got := reported(ts, args[0]); matched(args[1], got) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

// counted looks whether a figure of the newest report.json is exactly what a file says: PATH FILE.
func counted(ts *testscript.TestScript, _ bool, args []string) {
	if got, want := reported(ts, args[0]), strings.TrimSpace(ts.ReadFile(args[1])); got != want {
		ts.Fatalf("%s is %s, and should be %s", args[0], got, want)
	}
}

func reported(ts *testscript.TestScript, path string) string {
	found, err := filepath.Glob(filepath.Join(ts.MkAbs("."), "gameday-runs", "*", "report.json"))
	ts.Check(err)
	if len(found) == 0 {
		ts.Fatalf("there is no report")
	}
	b, err := os.ReadFile(slices.Max(found))
	ts.Check(err)
	var report any
	ts.Check(json.Unmarshal(b, &report))
	return walk(report, strings.Split(path, "/"))
}

func walk(v any, path []string) string {
	if len(path) == 0 {
		b, _ := json.Marshal(v)
		return strings.Trim(string(b), `"`)
	}
	switch x := v.(type) {
	case map[string]any:
		if names := strings.Split(path[0], "+"); len(names) > 1 {
			sum := 0.0
			for _, name := range names {
				n, _ := x[name].(float64)
				sum += n
			}
			return fmt.Sprint(sum)
		}
		return walk(x[path[0]], path[1:])
	case []any:
		for _, e := range x {
			if m, ok := e.(map[string]any); ok && slices.Contains([]any{m["addr"], m["name"], m["kind"], m["rule"]}, any(path[0])) {
				return walk(e, path[1:])
			}
		}
	}
	return "null"
}
