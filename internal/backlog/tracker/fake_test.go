package tracker

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The servers here keep issues as the three trackers do, and insist on what their documentation asks for: each request that
// does not have the documented shape is answered as the tracker answers it, and fails the test.

const theToken = "s3cret-t0ken"

// world is what all fakes share: what is kept, and what goes wrong on demand.
type world struct {
	t  *testing.T
	mu sync.Mutex
	// issues by number, from 1.
	issues   []*kept
	requests []string
	page     int // how many issues a page has
	// trouble is asked before each request is carried out; what it writes is the answer. It says whether it did.
	trouble func(w http.ResponseWriter, r *http.Request) bool
	// lose carries the next change out and loses its answer.
	lose bool
}

type kept struct {
	number   int
	title    string
	body     any
	labels   []string
	closed   bool
	comments int
	raw      map[string]any
}

func (i *kept) has(label string) bool {
	for _, l := range i.labels {
		if l == label {
			return true
		}
	}
	return false
}

// serve wraps a fake with what is true for all: authentication, content types, trouble.
func (x *world) serve(auth string, h http.Handler) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.requests = append(x.requests, r.Method+" "+r.URL.Path)
		if r.Header.Get("Authorization") != auth {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"message":"Bad credentials: %s"}`, r.Header.Get("Authorization")) // as no tracker should
			return
		}
		if r.Header.Get("User-Agent") == "" || r.Method != http.MethodGet && r.Header.Get("Content-Type") != "application/json" {
			x.t.Errorf("%s %s: headers %v", r.Method, r.URL.Path, r.Header)
		}
		if x.trouble != nil && x.trouble(w, r) {
			return
		}
		if x.lose && r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/search/jql") {
			x.lose = false
			h.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	x.t.Cleanup(srv.Close)
	return srv
}

// changes counts the requests that change something.
func (x *world) changes() (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range x.requests {
		if !strings.HasPrefix(r, "GET ") && !strings.HasSuffix(r, "/search/jql") {
			n++
		}
	}
	x.requests = nil
	return n
}

func (x *world) decode(r *http.Request, v any) {
	b, err := io.ReadAll(r.Body)
	require.NoError(x.t, err)
	require.NoError(x.t, json.Unmarshal(b, v), "%s", b)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// fakeGitHub is api.github.com for the repository acme/shop.
func fakeGitHub(x *world) *httptest.Server {
	mux := http.NewServeMux()
	shape := func(i *kept, base string) map[string]any {
		labels := []any{}
		for _, l := range i.labels {
			labels = append(labels, map[string]any{"name": l})
		}
		state := "open"
		if i.closed {
			state = "closed"
		}
		out := map[string]any{"number": i.number, "html_url": fmt.Sprintf("https://github.com/acme/shop/issues/%d", i.number), "state": state, "labels": labels, "title": i.title}
		if i.raw["pull"] != nil {
			out["pull_request"] = map[string]any{"url": "x"}
		}
		return out
	}
	var srv *httptest.Server
	mux.HandleFunc("GET /repos/acme/shop", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, map[string]any{"has_issues": true, "permissions": map[string]bool{"pull": true, "triage": true}})
	})
	mux.HandleFunc("GET /repos/acme/shop/issues", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		require.Equal(x.t, []string{"all", "100"}, []string{q.Get("state"), q.Get("per_page")})
		page, _ := strconv.Atoi(q.Get("page"))
		page = max(1, page)
		var found []any
		for _, i := range x.issues {
			if i.has(q.Get("labels")) {
				found = append(found, shape(i, srv.URL))
			}
		}
		from := min((page-1)*x.page, len(found))
		to := min(from+x.page, len(found))
		if to < len(found) {
			q.Set("page", strconv.Itoa(page+1))
			w.Header().Set("Link", fmt.Sprintf(`<%s/repos/acme/shop/issues?%s>; rel="next", <%s/x>; rel="last"`, srv.URL, q.Encode(), srv.URL))
		}
		answer(w, 200, append([]any{}, found[from:to]...))
	})
	mux.HandleFunc("POST /repos/acme/shop/issues", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Title, Body string
			Labels      []string
		}
		x.decode(r, &in)
		require.NotEmpty(x.t, in.Title)
		require.LessOrEqual(x.t, len(in.Title), 256)
		for _, l := range in.Labels {
			require.LessOrEqual(x.t, len(l), 50)
		}
		i := &kept{number: len(x.issues) + 1, title: in.Title, body: in.Body, labels: in.Labels}
		x.issues = append(x.issues, i)
		answer(w, 201, shape(i, srv.URL))
	})
	one := func(r *http.Request) *kept {
		n, _ := strconv.Atoi(r.PathValue("n"))
		if n < 1 || n > len(x.issues) || x.issues[n-1].raw["deleted"] != nil {
			return nil
		}
		return x.issues[n-1]
	}
	mux.HandleFunc("GET /repos/acme/shop/issues/{n}", func(w http.ResponseWriter, r *http.Request) {
		if i := one(r); i != nil {
			answer(w, 200, shape(i, srv.URL))
			return
		}
		answer(w, 410, map[string]any{"message": "This issue was deleted"})
	})
	mux.HandleFunc("PATCH /repos/acme/shop/issues/{n}", func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		x.decode(r, &in)
		require.Contains(x.t, []string{"closed completed", "open reopened"}, in["state"]+" "+in["state_reason"])
		one(r).closed = in["state"] == "closed"
		answer(w, 200, shape(one(r), srv.URL))
	})
	mux.HandleFunc("POST /repos/acme/shop/issues/{n}/comments", func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		x.decode(r, &in)
		require.NotEmpty(x.t, in["body"])
		one(r).comments++
		answer(w, 201, map[string]any{"id": 1})
	})
	srv = x.serve("Bearer "+theToken, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(x.t, "application/vnd.github+json", r.Header.Get("Accept"))
		require.Equal(x.t, "2022-11-28", r.Header.Get("X-GitHub-Api-Version"))
		mux.ServeHTTP(w, r)
	}))
	return srv
}

// fakeJira is a site of Jira Cloud with the project OPS.
func fakeJira(x *world, auth string) *httptest.Server {
	mux := http.NewServeMux()
	shape := func(i *kept) map[string]any {
		category := "indeterminate"
		if i.closed {
			category = "done"
		}
		return map[string]any{"id": strconv.Itoa(10000 + i.number), "key": fmt.Sprintf("OPS-%d", i.number),
			"fields": map[string]any{"labels": i.labels, "status": map[string]any{"name": "Whatever", "statusCategory": map[string]any{"key": category}}}}
	}
	one := func(w http.ResponseWriter, r *http.Request) *kept {
		n, _ := strconv.Atoi(strings.TrimPrefix(r.PathValue("key"), "OPS-"))
		if n < 1 || n > len(x.issues) || x.issues[n-1].raw["deleted"] != nil {
			answer(w, 404, map[string]any{"errorMessages": []string{"Issue does not exist or you do not have permission to see it."}, "errors": map[string]any{}})
			return nil
		}
		return x.issues[n-1]
	}
	mux.HandleFunc("GET /rest/api/3/project/OPS", func(w http.ResponseWriter, r *http.Request) { answer(w, 200, map[string]any{"key": "OPS"}) })
	mux.HandleFunc("POST /rest/api/3/search/jql", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			JQL    string   `json:"jql"`
			Fields []string `json:"fields"`
			Max    int      `json:"maxResults"`
			Next   string   `json:"nextPageToken"`
		}
		x.decode(r, &in)
		var label string
		_, err := fmt.Sscanf(in.JQL, `project = "OPS" AND labels = %q ORDER BY created ASC`, &label)
		require.NoError(x.t, err, in.JQL)
		require.Equal(x.t, []string{"status", "labels"}, in.Fields)
		var found []any
		for _, i := range x.issues {
			if i.has(label) && i.raw["late"] == nil {
				found = append(found, shape(i))
			}
		}
		from := 0
		if in.Next != "" {
			from, err = strconv.Atoi(strings.TrimPrefix(in.Next, "token-"))
			require.NoError(x.t, err)
		}
		to := min(from+x.page, len(found))
		out := map[string]any{"issues": append([]any{}, found[from:to]...), "isLast": to == len(found)}
		if to < len(found) {
			out["nextPageToken"] = fmt.Sprintf("token-%d", to)
		}
		answer(w, 200, out)
	})
	mux.HandleFunc("POST /rest/api/3/issue", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Fields struct {
				Project     struct{ Key string }
				IssueType   struct{ Name string } `json:"issuetype"`
				Summary     string
				Description any
				Labels      []string
			}
			Properties []struct {
				Key   string
				Value map[string]string
			}
		}
		x.decode(r, &in)
		f := in.Fields
		require.Equal(x.t, []string{"OPS", "Task"}, []string{f.Project.Key, f.IssueType.Name})
		require.NotContains(x.t, f.Summary, "\n")
		require.LessOrEqual(x.t, len([]rune(f.Summary)), 255)
		for _, l := range f.Labels {
			require.NotContains(x.t, l, " ", "Jira refuses labels with spaces")
		}
		require.Len(x.t, in.Properties, 1)
		require.Len(x.t, in.Properties[0].Value["fingerprint"], 64)
		checkADF(x.t, f.Description)
		i := &kept{number: len(x.issues) + 1, title: f.Summary, body: f.Description, labels: f.Labels}
		x.issues = append(x.issues, i)
		answer(w, 201, map[string]any{"id": strconv.Itoa(10000 + i.number), "key": fmt.Sprintf("OPS-%d", i.number), "self": "x"})
	})
	mux.HandleFunc("GET /rest/api/3/issue/{key}", func(w http.ResponseWriter, r *http.Request) {
		if i := one(w, r); i != nil {
			answer(w, 200, shape(i))
		}
	})
	mux.HandleFunc("GET /rest/api/3/issue/{key}/transitions", func(w http.ResponseWriter, r *http.Request) {
		to := func(id, category string) map[string]any {
			return map[string]any{"id": id, "name": "Move", "to": map[string]any{"statusCategory": map[string]any{"key": category}}}
		}
		answer(w, 200, map[string]any{"transitions": []any{to("11", "indeterminate"), to("31", "done")}})
	})
	mux.HandleFunc("POST /rest/api/3/issue/{key}/transitions", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Transition struct{ ID string } }
		x.decode(r, &in)
		one(w, r).closed = in.Transition.ID == "31"
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /rest/api/3/issue/{key}/comment", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Body any }
		x.decode(r, &in)
		checkADF(x.t, in.Body)
		one(w, r).comments++
		answer(w, 201, map[string]any{"id": "1"})
	})
	return x.serve(auth, mux)
}

// checkADF insists on the Atlassian Document Format: a doc of version 1, with blocks of known types, whose texts are not empty.
func checkADF(t *testing.T, v any) {
	t.Helper()
	doc, ok := v.(map[string]any)
	require.True(t, ok, "a plain text is refused by version 3: %v", v)
	require.Equal(t, "doc", doc["type"])
	require.InDelta(t, 1, doc["version"], 0)
	blocks, _ := doc["content"].([]any)
	require.NotEmpty(t, blocks)
	for _, b := range blocks {
		block := b.(map[string]any)
		require.Contains(t, []any{"paragraph", "heading"}, block["type"])
		if block["type"] == "heading" {
			require.Contains(t, block["attrs"], "level")
		}
		inline, _ := block["content"].([]any)
		for _, n := range inline {
			node := n.(map[string]any)
			require.Contains(t, []any{"text", "hardBreak"}, node["type"])
			if node["type"] == "text" {
				require.NotEmpty(t, node["text"])
			}
		}
	}
}

// fakeServiceNow is an instance with the table incident.
func fakeServiceNow(x *world, auth string) *httptest.Server {
	mux := http.NewServeMux()
	shape := func(i *kept) map[string]any {
		state := "1"
		if i.closed {
			state = "6"
		} else if i.comments > 0 {
			state = "2"
		}
		return map[string]any{"sys_id": fmt.Sprintf("%032d", i.number), "number": fmt.Sprintf("INC%07d", i.number), "state": state, "active": "true", "correlation_id": i.labels[0]}
	}
	one := func(w http.ResponseWriter, r *http.Request) *kept {
		n, _ := strconv.Atoi(strings.TrimLeft(r.PathValue("id"), "0"))
		if n < 1 || n > len(x.issues) || x.issues[n-1].raw["deleted"] != nil {
			answer(w, 404, map[string]any{"error": map[string]any{"message": "No Record found", "detail": "Record doesn't exist or ACL restricts the record retrieval"}, "status": "failure"})
			return nil
		}
		return x.issues[n-1]
	}
	fields := func(r *http.Request) {
		require.Equal(x.t, "sys_id,number,state,active,correlation_id", r.URL.Query().Get("sysparm_fields"))
	}
	mux.HandleFunc("GET /api/now/table/incident", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("sysparm_query") == "" {
			answer(w, 200, map[string]any{"result": []any{}})
			return
		}
		fields(r)
		query, ok := strings.CutSuffix(q.Get("sysparm_query"), "^ORDERBYsys_id")
		require.True(x.t, ok, "pages need an order")
		var found []any
		for _, i := range x.issues {
			if query == "correlation_id="+i.labels[0] || strings.HasPrefix(query, "correlation_idSTARTSWITH") && strings.HasPrefix(i.labels[0], strings.TrimPrefix(query, "correlation_idSTARTSWITH")) {
				found = append(found, shape(i))
			}
		}
		limit, err := strconv.Atoi(q.Get("sysparm_limit"))
		require.NoError(x.t, err)
		from, err := strconv.Atoi(q.Get("sysparm_offset"))
		require.NoError(x.t, err)
		from = min(from, len(found))
		to := min(from+limit, len(found))
		w.Header().Set("X-Total-Count", strconv.Itoa(len(found)))
		if to < len(found) {
			w.Header().Set("Link", `<https://x/api?`+url.Values{"sysparm_offset": {strconv.Itoa(to)}}.Encode()+`>;rel="next"`)
		}
		answer(w, 200, map[string]any{"result": append([]any{}, found[from:to]...)})
	})
	mux.HandleFunc("POST /api/now/table/incident", func(w http.ResponseWriter, r *http.Request) {
		fields(r)
		var in map[string]string
		x.decode(r, &in)
		require.LessOrEqual(x.t, len([]rune(in["short_description"])), 160)
		require.NotEmpty(x.t, in["description"])
		require.Equal(x.t, "gameday", in["correlation_display"])
		require.Contains(x.t, []string{"1", "2", "3"}, in["urgency"])
		i := &kept{number: len(x.issues) + 1, title: in["short_description"], body: in["description"], labels: []string{in["correlation_id"]}}
		x.issues = append(x.issues, i)
		answer(w, 201, map[string]any{"result": shape(i)})
	})
	mux.HandleFunc("GET /api/now/table/incident/{id}", func(w http.ResponseWriter, r *http.Request) {
		fields(r)
		if i := one(w, r); i != nil {
			answer(w, 200, map[string]any{"result": shape(i)})
		}
	})
	mux.HandleFunc("PATCH /api/now/table/incident/{id}", func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		x.decode(r, &in)
		i := one(w, r)
		if in["state"] == "6" && (in["close_code"] == "" || in["close_notes"] == "") {
			answer(w, 403, map[string]any{"error": map[string]any{"message": "Operation Failed", "detail": "Data Policy Exception: Resolution code, Resolution notes are mandatory"}, "status": "failure"})
			return
		}
		require.NotEmpty(x.t, in["work_notes"])
		i.closed, i.comments = in["state"] == "6", i.comments+1
		answer(w, 200, map[string]any{"result": shape(i)})
	})
	return x.serve(auth, mux)
}
