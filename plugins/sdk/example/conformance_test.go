package example

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

func TestConformance(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "gameday-plugin-file")
	out, err := exec.Command("go", "build", "-o", binary, "./gameday-plugin-file").CombinedOutput()
	require.NoError(t, err, string(out))
	dir := t.TempDir()
	conformance.Run(t, conformance.Subject{
		New:    New,
		Binary: binary,
		Faults: []conformance.Case{{
			Fault:    "file_missing",
			Setup:    func(context.Context) (sdk.Request, error) { return twoFiles(dir) },
			Look:     isMissing,
			Snapshot: contents,
			Teardown: func(_ context.Context, req sdk.Request) error { return os.RemoveAll(filepath.Dir(req.Targets[0].ID)) },
		}},
	})
}

func TestResolve(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.conf")
	require.NoError(t, os.WriteFile(path, []byte("a"), 0o600))
	cfg, err := json.Marshal(map[string]any{"paths": []string{path}})
	require.NoError(t, err)
	for _, r := range conformance.Verify(t.Context(), conformance.Subject{
		New: New, Targets: []conformance.TargetCase{{Type: "file_path", Config: cfg, Names: []string{path}}},
	}) {
		if r.Check == "Resolve" {
			require.NoError(t, r.Err)
		}
	}
	_, problems, err := paths{}.Resolve(t.Context(), sdk.Request{Config: []byte(`{"paths":["/nowhere"]}`)})
	require.NoError(t, err)
	require.Equal(t, []string{"paths", "0"}, problems[0].Path)
}

// A file that somebody put in the place of the missing one is theirs: Revert must not destroy it.
func TestRevertKeepsANewFile(t *testing.T) {
	req, err := twoFiles(t.TempDir())
	require.NoError(t, err)
	req.Run = "r"
	h, _, err := missing{}.Prepare(t.Context(), req)
	require.NoError(t, err)
	require.NoError(t, missing{}.Inject(t.Context(), h))
	require.NoError(t, os.WriteFile(req.Targets[0].ID, []byte("new"), 0o600))
	require.ErrorContains(t, missing{}.Revert(t.Context(), h), "file exists")
	b, err := os.ReadFile(req.Targets[0].ID)
	require.NoError(t, err)
	require.Equal(t, "new", string(b))
	require.FileExists(t, req.Targets[1].ID, "the other file is back")
}

func twoFiles(parent string) (sdk.Request, error) {
	dir, err := os.MkdirTemp(parent, "files")
	req := sdk.Request{Config: json.RawMessage(`{"suffix":"gone"}`)}
	for _, name := range []string{"a.conf", "b.conf"} {
		path := filepath.Join(dir, name)
		err = errors.Join(err, os.WriteFile(path, []byte("content of "+name), 0o600))
		req.Targets = append(req.Targets, sdk.Target{Type: "file_path", ID: path, Name: path})
	}
	return req, err
}

func isMissing(_ context.Context, h sdk.Handle) (bool, error) {
	_, err := os.Stat(h.Targets[0].ID)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}

func contents(_ context.Context, req sdk.Request) (string, error) {
	var all strings.Builder
	files, err := filepath.Glob(filepath.Join(filepath.Dir(req.Targets[0].ID), "*"))
	for _, f := range files {
		b, readErr := os.ReadFile(f)
		err = errors.Join(err, readErr)
		all.WriteString(filepath.Base(f) + "=" + string(b) + ";")
	}
	return all.String(), err
}
