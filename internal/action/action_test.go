package action

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func run(t *testing.T, ctx context.Context, kind string, env Env, config any) (Said, error) {
	t.Helper()
	b, err := json.Marshal(config)
	require.NoError(t, err)
	return Kinds()[kind].Run(ctx, env, b)
}

func TestExecRunsInTheScenarioAndSaysWhatItPrinted(t *testing.T) {
	dir := t.TempDir()
	said, err := run(t, t.Context(), "exec", Env{Dir: dir, Run: "r1"}, map[string]any{
		"command": []string{"sh", "-c", "echo $GAMEDAY_RUN $WHO; pwd"}, "env": map[string]string{"WHO": "ada"}})
	require.NoError(t, err)
	real, err := filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	require.Equal(t, "r1 ada\n"+real, said.What)
}

func TestExecFailureSaysWhy(t *testing.T) {
	_, err := run(t, t.Context(), "exec", Env{}, map[string]any{"command": []string{"sh", "-c", "echo no such zone >&2; exit 3"}})
	require.EqualError(t, err, "running sh: exit status 3: no such zone")
	_, err = run(t, t.Context(), "exec", Env{}, map[string]any{"command": []string{"/no/such/program"}})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestExecTimeoutEndsTheChildrenToo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	pid := filepath.Join(t.TempDir(), "pid")
	_, err := run(t, ctx, "exec", Env{}, map[string]any{"command": []string{"sh", "-c", "sleep 600 & echo $! > " + pid + "; wait"}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	child, err := os.ReadFile(pid)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !alive(strings.TrimSpace(string(child))) }, 5*time.Second, 10*time.Millisecond)
}

func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

func TestExecKeepsOnlyTheBeginningOfMuchOutput(t *testing.T) {
	said, err := run(t, t.Context(), "exec", Env{}, map[string]any{"command": []string{"sh", "-c", "yes | head -c 1000000"}})
	require.NoError(t, err)
	require.Less(t, len(said.What), maxOutput+10)
}

func TestHTTP(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "PUT" || r.Header.Get("Token") != "t" || string(body) != "promote" {
			http.Error(w, "unexpected request", http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "promoted")
	}))
	defer srv.Close()
	config := map[string]any{"method": "PUT", "url": srv.URL, "body": "promote", "headers": map[string]string{"Token": "t"}}
	said, err := run(t, t.Context(), "http", Env{}, config)
	require.NoError(t, err)
	require.Equal(t, "202 Accepted promoted", said.What)

	config["status"] = []int{200}
	_, err = run(t, t.Context(), "http", Env{}, config)
	require.ErrorContains(t, err, "answered 202 Accepted")
}

func TestManualAsksAPerson(t *testing.T) {
	env := Env{Ask: func(_ context.Context, title, instruction string) (string, string, error) {
		return "ada", title + ": " + instruction + ": done", nil
	}}
	said, err := run(t, t.Context(), "manual", env, map[string]any{"title": "Failover", "instruction": "Promote west"})
	require.NoError(t, err)
	require.Equal(t, Said{What: "Failover: Promote west: done", By: "ada"}, said)

	_, err = run(t, t.Context(), "manual", Env{}, map[string]any{"instruction": "Promote west"})
	require.ErrorIs(t, err, errNobody)
}
