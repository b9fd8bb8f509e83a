package host_test

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/host"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// The faults have conformance tests of their own, so of the plugin as a whole only the schemas and the targets are left.
func TestThePluginConforms(t *testing.T) {
	c := sleeperFor(t)
	pidFile := filepath.Join(t.TempDir(), "pid")
	require.NoError(t, os.WriteFile(pidFile, []byte(strings.Split(c.target().ID, ":")[0]), 0o600))
	config := func(v any) json.RawMessage {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		return b
	}
	s := conformance.Subject{
		New: host.New, Binary: binary(t), Config: config(map[string]string{"marks_dir": t.TempDir()}),
		Targets: []conformance.TargetCase{
			{Type: "host_machine"}, {Type: "host_process", Config: config(map[string]string{"pid_file": pidFile})},
			{Type: "host_filesystem", Config: config(map[string][]string{"paths": {t.TempDir()}})},
			{Type: "host_namespace", Config: config(map[string][]string{"names": {"host"}}), Names: []string{"host"}},
			{Type: "host_interface", Config: config(map[string][]string{"names": {"lo"}}), Names: []string{"lo"}},
		},
	}
	for _, r := range conformance.Verify(t.Context(), s) {
		if r.Err == nil {
			continue
		}
		for _, line := range strings.Split(r.Err.Error(), "\n") {
			require.Contains(t, line, "is in no Case of the Subject", r.String())
		}
	}
}

// Every fault is in a function of that name, netem's too, which need a kernel that has it.
func TestEveryFaultIsInATestOfConformance(t *testing.T) {
	named := map[string]bool{}
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasSuffix(f.Name.Name, "Conforms") {
				ast.Inspect(f, func(n ast.Node) bool {
					if text, ok := n.(*ast.BasicLit); ok {
						named[strings.Trim(text.Value, "\"")] = true
					}
					return true
				})
			}
		}
	}
	for name := range host.New().Faults {
		require.True(t, named[name], name)
	}
}

func TestEveryFaultSaysWhatHappensWhenEverythingDies(t *testing.T) {
	page, err := os.ReadFile("../../docs/plugins/host.md")
	require.NoError(t, err)
	for name, fault := range host.New().Faults {
		doc := fault.Schema().Doc
		require.True(t, strings.Contains(doc, "dies at once") || strings.Contains(doc, "as host_partition does"), "%s: %s", name, doc)
		require.Contains(t, string(page), "`"+name+"`")
	}
	for name := range host.New().Targets {
		require.Contains(t, string(page), "`"+name+"`")
	}
}

// What the plugin does for a user without any privilege: this program again, as nobody.
func TestWithoutRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become somebody else; the other tests run without root here anyway")
	}
	dir := t.TempDir()
	for d := dir; strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) {
		require.NoError(t, os.Chmod(d, 0o755))
	}
	program := filepath.Join(dir, "host.test")
	from, err := os.Open("/proc/self/exe")
	require.NoError(t, err)
	to, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(to, from)
	require.NoError(t, err)
	require.NoError(t, from.Close())
	require.NoError(t, to.Close())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tests := []string{
		"TestMissingPermissionIsSaidWhenThePlanIsMade", "TestSweepFindsWhatTheJournalLost", "TestATargetThatDiesBeforeTheRevertCountsAsReverted",
		"TestSweepFindsAWorkerWithoutAMark", "TestAProcessThatMayStayDead",
	}
	cmd := exec.CommandContext(ctx, program, "-test.v", "-test.run", "^("+strings.Join(tests, "|")+")$")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, name := range tests {
		require.Contains(t, string(out), "--- PASS: "+name)
	}
}

// TestMissingPermissionIsSaidWhenThePlanIsMade runs as nobody, by TestWithoutRoot.
func TestMissingPermissionIsSaidWhenThePlanIsMade(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root lacks nothing: TestWithoutRoot runs this one as another user")
	}
	l := local(t, t.TempDir())
	other := somebodyElse(t)
	for fault, missing := range map[string]string{"host_process_pause": "CAP_KILL", "host_process_kill": "CAP_KILL", "host_fd_exhaustion": "CAP_SYS_RESOURCE"} {
		config := map[string]any{}
		_, problems := prepare(t, l, fault, config, other)
		require.NotEmpty(t, problems, fault)
		require.Equal(t, missing, problems[len(problems)-1].Permission)
	}
	c := sleeperFor(t)
	_, problems := prepare(t, local(t, "/marks-of-nobody/host"), "host_process_pause", map[string]any{}, c.target())
	require.Len(t, problems, 1)
	require.Equal(t, "write /marks-of-nobody/host", problems[0].Permission)
	require.Contains(t, problems[0].Detail, "nothing can be written in /: permission denied")
	_, problems = prepare(t, l, "host_partition", map[string]any{}, resolveOne(t, l, "host_namespace", map[string]any{"names": []string{"host"}}))
	require.Equal(t, "CAP_NET_ADMIN", problems[0].Permission)
	_, problems = prepare(t, l, "host_disk_fill", map[string]any{"bytes": 4096, "floor_bytes": 0}, resolveOne(t, l, "host_filesystem", map[string]any{"paths": []string{"/proc"}}))
	require.NotEmpty(t, problems)
}

// somebodyElse is a process of root's that is none of our ancestors.
func somebodyElse(t *testing.T) sdk.Target {
	t.Helper()
	all, err := proc.List()
	require.NoError(t, err)
	ancestors := proc.Ancestors(os.Getpid())
	for _, info := range all {
		uid, err := proc.UID(info.PID)
		if err == nil && uid == 0 && info.PID != 1 && info.State == 'S' && !slices.Contains(ancestors, info.PID) {
			return sdk.Target{Type: "host_process", ID: info.ID().String(), Name: info.Comm}
		}
	}
	t.Skip("needs a process of another user")
	return sdk.Target{}
}
