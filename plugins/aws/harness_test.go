package aws_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws"
	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// elsewhere is the endpoint of another implementation, or of AWS itself, against which the same tests run.
var elsewhere = os.Getenv("AWS_ENDPOINT_URL")

// Against our own fake, the tests read no configuration of whoever runs them.
func TestMain(m *testing.M) {
	if elsewhere == "" {
		for _, e := range os.Environ() {
			if k, _, _ := strings.Cut(e, "="); strings.HasPrefix(k, "AWS_") {
				must(os.Unsetenv(k))
			}
		}
		for k, v := range map[string]string{
			"AWS_ACCESS_KEY_ID": awsfake.AccessKey, "AWS_SECRET_ACCESS_KEY": awsfake.Secret, "AWS_REGION": "us-east-1",
			"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		} {
			must(os.Setenv(k, v))
		}
	}
	flag.Parse()
	if elsewhere == "" { // what runs in parallel here waits most of the time
		must(flag.Set("test.parallel", "4"))
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// built is the real plugin, built once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "gameday-plugin-aws-"); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", built.dir, "../../cmd/gameday-plugin-aws").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	require.NoError(t, built.err)
	return filepath.Join(built.dir, "gameday-plugin-aws")
}

// serial makes names that no other test has.
var serial atomic.Int64

// secrets are what may never be in a handle, a log or an error.
func secrets() *regexp.Regexp {
	words := []string{awsfake.AccessKey, awsfake.Secret, awsfake.Token, awsfake.ExternalID, "ASIAFAKEFAKEFAKEFAKE"}
	if elsewhere != "" {
		words = []string{os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")}
	}
	for i, w := range words {
		words[i] = regexp.QuoteMeta(cmp.Or(w, "nothing of the kind"))
	}
	return regexp.MustCompile(strings.Join(words, "|"))
}

// watched is the log of a plugin in a test: it is looked through for secrets.
type watched struct {
	t  *testing.T
	mu sync.Mutex
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if secrets().Match(b) {
		w.t.Errorf("a credential is in the log: %s", b)
	}
	return w.t.Output().Write(b)
}

// conform runs the suite for one fault, in process and with the real binary.
func conform(t *testing.T, w *world, c conformance.Case, targets ...conformance.TargetCase) {
	t.Helper()
	if testing.Short() || os.Getenv("GAMEDAY_AWS") == "" {
		t.Skip("the conformance suite over every fault takes minutes: make test-aws")
	}
	w.rehearse(t, c)
	s := conformance.Subject{New: aws.New, Config: w.config(nil), Faults: []conformance.Case{c}, Targets: targets, Timeout: w.patience(), Lease: 3 * time.Second}
	if elsewhere == "" {
		s.Binary = binary(t)
	}
	results := conformance.Verify(t.Context(), s)
	require.GreaterOrEqual(t, len(results), 14, "the suite has checked less than a fault's promises")
	for _, r := range results {
		if r.Check == "Describe" {
			continue
		}
		if r.Err != nil {
			t.Errorf("%s: %v", r, r.Err)
		}
	}
	w.requireNothingLeft(t)
}

// rehearse injects and reverts once, and skips the test where the endpoint does not implement what it needs.
func (w *world) rehearse(t *testing.T, c conformance.Case) {
	t.Helper()
	req, err := c.Setup(t.Context())
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	l := w.plugin(t, nil)
	req.Run, req.ID = "rehearsal", "fault."+c.Fault+".x"
	h, problems, err := l.Prepare(t.Context(), c.Fault, req)
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	for _, p := range problems {
		if p.Severity == sdk.Error {
			w.skipUnimplemented(t, fmt.Errorf("%s: %s", p.Summary, p.Detail))
			require.Fail(t, p.Summary, p.Detail)
		}
	}
	raw, err := json.Marshal(h)
	require.NoError(t, err)
	require.NotRegexp(t, secrets(), string(raw), "a credential is in the handle")
	errInject := l.Inject(t.Context(), h)
	errRevert := l.Revert(t.Context(), h)
	w.skipUnimplemented(t, errInject)
	w.skipUnimplemented(t, errRevert)
	require.NoError(t, errInject)
	require.NoError(t, errRevert)
	if c.Teardown != nil {
		require.NoError(t, c.Teardown(t.Context(), req))
	}
}

// skipUnimplemented skips what an endpoint other than our own does not know.
func (w *world) skipUnimplemented(t *testing.T, err error) {
	t.Helper()
	if err == nil || elsewhere == "" {
		return
	}
	for _, says := range []string{"NotImplemented", "InvalidAction", "UnknownOperation", "not implemented", "not been implemented", "not yet implemented",
		"StatusCode: 404", "StatusCode: 501", "not supported", "not recognized", "takes no part in zonal shifts", "is not valid for this web service"} {
		if strings.Contains(err.Error(), says) {
			t.Skipf("the endpoint %s does not implement it: %v", elsewhere, err)
		}
	}
}

// plugin is the plugin in this process, with a lease that lasts.
func (w *world) plugin(t *testing.T, config map[string]any) *sdk.Local {
	t.Helper()
	l, problems := w.configured(t, config)
	require.Empty(t, problems)
	return l
}

func (w *world) configured(t *testing.T, config map[string]any) (*sdk.Local, []sdk.Problem) {
	t.Helper()
	l, err := sdk.ServeLocal(aws.New(), &watched{t: t})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	_, problems, err := l.Configure(t.Context(), sdk.Settings{Config: w.config(config), Lease: time.Hour})
	require.NoError(t, err)
	return l, problems
}

// config is the plugin's block: what the world needs, and what the test wants otherwise.
func (w *world) config(more map[string]any) json.RawMessage {
	c := map[string]any{"accounts": []string{w.account}, "region": w.region, "consistency": "100ms"}
	if w.fake != nil {
		c["endpoint_url"] = w.fake.URL
	}
	for k, v := range more {
		c[k] = v
	}
	b, err := json.Marshal(c)
	must(err)
	return b
}

func (w *world) patience() time.Duration {
	if elsewhere == "" {
		return 3 * time.Minute
	}
	return 10 * time.Minute
}

// prepare asks for the plan of a fault on targets that a block finds.
func prepare(t *testing.T, l *sdk.Local, fault, config string, targets ...sdk.Target) (sdk.Handle, []sdk.Problem) {
	t.Helper()
	h, problems, err := l.Prepare(t.Context(), fault, sdk.Request{
		Run: fmt.Sprintf("run-%d", serial.Add(1)), ID: "fault." + fault + ".x", Config: json.RawMessage(cmp.Or(config, "{}")), Targets: targets,
	})
	require.NoError(t, err)
	raw, err := json.Marshal(h)
	require.NoError(t, err)
	require.NotRegexp(t, secrets(), string(raw), "a credential is in the handle")
	return h, problems
}

// planned is a plan without mistakes.
func planned(t *testing.T, l *sdk.Local, fault, config string, targets ...sdk.Target) sdk.Handle {
	t.Helper()
	h, problems := prepare(t, l, fault, config, targets...)
	require.False(t, sdk.HasErrors(problems), "%v", problems)
	return h
}

// injected is a fault that is there.
func injected(t *testing.T, l *sdk.Local, fault, config string, targets ...sdk.Target) sdk.Handle {
	t.Helper()
	h := planned(t, l, fault, config, targets...)
	require.NoError(t, l.Inject(t.Context(), h))
	requireStatus(t, l, h, sdk.Active)
	return h
}

func requireStatus(t *testing.T, l *sdk.Local, h sdk.Handle, want sdk.Status) sdk.State {
	t.Helper()
	state, err := l.Inspect(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, want, state.Status, state.Evidence)
	return state
}

// resolve finds the targets of a block.
func resolve(t *testing.T, l *sdk.Local, typ, config string) []sdk.Target {
	t.Helper()
	sel, problems, err := l.Resolve(t.Context(), typ, sdk.Request{ID: "target." + typ + ".x", Config: json.RawMessage(config)})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.NotEmpty(t, sel.Targets)
	return sel.Targets
}
