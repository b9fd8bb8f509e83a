package dns_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/dns"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func TestThePageTellsOfEverything(t *testing.T) {
	b, err := os.ReadFile("../../docs/plugins/dns.md")
	require.NoError(t, err)
	page := string(b)
	require.Contains(t, page, "every process of ours dies at once")
	p := dns.New()
	for name := range p.Targets {
		require.Contains(t, page, "`"+name+"`")
	}
	for name, f := range p.Faults {
		require.Contains(t, page, `"`+name+`"`)
		require.Contains(t, f.Schema().Doc, "dies at once")
		for _, a := range f.Schema().Attributes {
			require.Contains(t, page, a.Name)
			if a.Name == "mode" {
				for _, mode := range a.OneOf {
					require.Contains(t, page, "`"+mode+"`")
				}
			}
		}
	}
}

// Whoever may not divert is told so when the plan is made, and what remains.
func TestWithoutRoot(t *testing.T) {
	need(t)
	dir := t.TempDir()
	for d := dir; strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) {
		require.NoError(t, os.Chmod(d, 0o755))
	}
	program := filepath.Join(dir, "dns.test")
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
	cmd := exec.CommandContext(ctx, program, "-test.v", "-test.run", "^TestMissingPermission$")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: TestMissingPermission")
}

func TestMissingPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root lacks nothing: TestWithoutRoot runs this one as another user")
	}
	l := local(t, nobody(t))
	_, problems := prepare(t, l, "run-1", map[string]any{"names": []string{"x.test"}}, traffic(t, l, "host", "127.0.0.53"))
	require.Len(t, problems, 1)
	require.Equal(t, "CAP_NET_ADMIN", problems[0].Permission)
	require.Equal(t, sdk.Error, problems[0].Severity)
	require.Contains(t, problems[0].Detail, "dns_resolver")
	left, err := l.Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, left)
}
