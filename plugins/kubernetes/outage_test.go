package kubernetes_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authn "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// An API server that is down or does not answer makes Revert fail soon enough to be tried again, and it works once it is back.
func TestTheAPIServerIsAwayDuringTheRevert(t *testing.T) {
	t.Parallel()
	c := anotherCluster(t)
	l := c.plugin(t, nil)
	ns, on := c.web(t, l)
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)

	c.component(t, "stop", "apiserver") // frozen: it takes connections and says nothing
	began := time.Now()
	err := l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "reading deployment "+ns+"/web")
	require.Less(t, time.Since(began), 20*time.Second)
	c.component(t, "cont", "apiserver")
	require.NoError(t, await(t.Context(), func() (bool, error) { return l.Revert(t.Context(), h) == nil, nil }))
	awaitState(t, l, h, sdk.Inactive)

	on = targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})
	h = inject(t, l, "kubernetes_scale", struct{}{}, on)
	c.component(t, "kill", "apiserver")
	began = time.Now()
	err = l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "connection refused")
	require.Less(t, time.Since(began), 5*time.Second)
	c.component(t, "start", "apiserver")
	require.NoError(t, await(t.Context(), func() (bool, error) { return l.Revert(t.Context(), h) == nil, nil }))
	awaitState(t, l, h, sdk.Inactive)
	n, err := c.replicas(t.Context(), ns, "web")
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
}

// token gives a service account all permissions and makes a kubeconfig with a token of it.
func (c *testCluster) token(t *testing.T) (kubeconfig string, revoke func()) {
	t.Helper()
	ns := c.namespace(t)
	c.kubectl(t, "", "-n", ns, "create", "serviceaccount", "robot")
	c.kubectl(t, "", "create", "clusterrolebinding", name("robot"), "--clusterrole", "cluster-admin", "--serviceaccount", ns+":robot")
	seconds := int64(600)
	r, err := c.api.CoreV1().ServiceAccounts(ns).CreateToken(t.Context(), "robot", &authn.TokenRequest{Spec: authn.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	require.NoError(t, err)
	b, err := os.ReadFile(c.kubeconfig)
	require.NoError(t, err)
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(kubeconfig, b, 0o600))
	config := func(args ...string) {
		c.kubectl(t, "", append([]string{"--kubeconfig", kubeconfig, "config"}, args...)...)
	}
	config("set-credentials", "robot", "--token", r.Status.Token)
	config("set-context", "robot", "--user", "robot", "--cluster", strings.TrimSpace(c.kubectl(t, "", "config", "view", "-o", "jsonpath={.clusters[0].name}")))
	config("use-context", "robot")
	// A token ends with the account that it was made for, as it would at its time.
	return kubeconfig, func() { c.kubectl(t, "", "-n", ns, "delete", "serviceaccount", "robot") }
}

func TestATokenThatHasExpiredIsSaidToHave(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	kubeconfig, revoke := c.token(t)
	l := c.plugin(t, map[string]any{"kubeconfig": kubeconfig})
	_, on := c.web(t, l)
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)
	require.NotContains(t, fmt.Sprintf("%s %v", h.Undo, h), "eyJ", "a token")
	require.Contains(t, strings.Join(h.Steps, "\n"), "--context robot")

	revoke()
	var err error
	require.NoError(t, await(t.Context(), func() (bool, error) {
		err = l.Revert(t.Context(), h)
		return err != nil, nil
	}))
	require.ErrorContains(t, err, `does not accept the credentials of the context "robot" (any more): renew them`)
	require.NotContains(t, err.Error(), "eyJ")

	require.NoError(t, c.plugin(t, nil).Revert(t.Context(), h), "with other credentials it works")
}

// Clouds log in by a program that the kubeconfig names.
func TestALoginByAProgramWorks(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	kubeconfig, _ := c.token(t)
	conf, err := clientcmd.LoadFromFile(kubeconfig)
	require.NoError(t, err)
	asked := filepath.Join(t.TempDir(), "asked")
	script := fmt.Sprintf(`echo once >>%q; echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'`, asked, conf.AuthInfos["robot"].Token)
	conf.AuthInfos["robot"] = &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: "sh", Args: []string{"-c", script}, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}}
	require.NoError(t, clientcmd.WriteToFile(*conf, kubeconfig))

	l := c.plugin(t, map[string]any{"kubeconfig": kubeconfig})
	_, on := c.web(t, l)
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)
	require.NoError(t, l.Revert(t.Context(), h))
	awaitState(t, l, h, sdk.Inactive)
	times, err := os.ReadFile(asked)
	require.NoError(t, err)
	require.Equal(t, "once\n", string(times), "and not for every request")
}

func TestSweepFindsWhatNoJournalKnows(t *testing.T) {
	t.Parallel()
	c := anotherCluster(t)
	l := c.plugin(t, nil)
	ns, on := c.web(t, l)
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)
	require.NoError(t, l.Kill())

	fresh := c.plugin(t, nil)
	found, err := fresh.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, h, found[0])
	require.NoError(t, fresh.Revert(t.Context(), found[0]))
	found, err = fresh.Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
	c.requireNoTrace(t, ns)
	require.NotContains(t, c.kubectl(t, "", "get", "configmaps", "-A", "-o", "yaml"), "gameday/")
}

// Somebody has deleted a record. What was changed is said to be so, and the journal still undoes it.
func TestSweepNamesWhatHasLostItsRecord(t *testing.T) {
	t.Parallel()
	c := anotherCluster(t)
	l := c.plugin(t, nil)
	ns, on := c.web(t, l)
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)
	found, err := c.plugin(t, map[string]any{"namespace": ns}).Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, found, "that is for whoever keeps records in the other namespace")

	c.kubectl(t, "", "delete", "configmap", "-l", "gameday/fault")
	found, err = l.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1)
	awaitState(t, l, found[0], sdk.Active)
	require.ErrorContains(t, l.Revert(t.Context(), found[0]), "deployment "+ns+"/web was changed by a fault whose record is gone. Undo it by gameday recover of the run "+h.Run)
	require.NoError(t, l.Revert(t.Context(), h))
	require.NoError(t, l.Revert(t.Context(), found[0]))
	awaitState(t, l, found[0], sdk.Inactive)

	// What was made is found by its mark, and goes.
	sum := sha256.Sum256([]byte("r1/fault.x"))
	c.kubectl(t, fmt.Sprintf(`
apiVersion: v1
kind: ResourceQuota
metadata:
  name: left
  namespace: %s
  labels: {gameday/run: r1, gameday/fault: "%x"}
  annotations: {gameday/handle: r1/fault.x}
`, ns, sum[:6]), "apply", "-f", "-")
	found, err = l.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "r1/fault.x", found[0].ID)
	require.NoError(t, l.Revert(t.Context(), found[0]))
	found, err = l.Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
	require.NotContains(t, c.kubectl(t, "", "-n", ns, "get", "resourcequotas", "-o", "name"), "left")
}

// heard collects events.
type heard struct {
	mu  sync.Mutex
	all []sdk.Event
}

func (e *heard) add(ev sdk.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

// await waits for an event about a subject whose summary has a text in it.
func (e *heard) await(t *testing.T, kind sdk.EventKind, subject, text string) {
	t.Helper()
	err := await(t.Context(), func() (bool, error) {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, ev := range e.all {
			if ev.Kind == kind && strings.HasPrefix(ev.Subject, subject) && strings.Contains(ev.Summary, text) {
				return true, nil
			}
		}
		return false, nil
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	require.NoError(t, err, "%s %s %s among %v", kind, subject, text, e.all)
}

func (e *heard) about(subject string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.all {
		if strings.HasPrefix(ev.Subject, subject) {
			n++
		}
	}
	return n
}

// listen hears what the plugin observes until the test ends.
func listen(t *testing.T, l *sdk.Local) *heard {
	t.Helper()
	out := &heard{}
	var all sync.WaitGroup
	all.Go(func() { _ = l.Events(t.Context(), out.add) })
	t.Cleanup(all.Wait)
	return out
}

func TestEventsOfTheTargetsAreHeard(t *testing.T) {
	t.Parallel()
	c := anotherCluster(t)
	l := c.plugin(t, nil)
	events := listen(t, l)
	ns, _ := c.web(t, l)
	other, _ := c.web(t, l)
	pods := targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns})
	h := inject(t, l, "kubernetes_pod_kill", struct{}{}, pods)
	events.await(t, sdk.Noticed, ns+"/web-", "SuccessfulCreate: Created pod: web-")
	events.await(t, sdk.Noticed, ns+"/web-", "Scheduled: Successfully assigned "+ns+"/web-")
	require.NoError(t, l.Revert(t.Context(), h))

	// The watch goes on when the API server is back, and knows what happened meanwhile.
	c.component(t, "kill", "apiserver")
	c.component(t, "start", "apiserver")
	pods = targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns})
	before := events.about(ns + "/")
	h = inject(t, l, "kubernetes_pod_kill", struct{}{}, pods)
	require.NoError(t, await(t.Context(), func() (bool, error) { return events.about(ns+"/") > before, nil }))
	require.NoError(t, l.Revert(t.Context(), h))

	c.component(t, "stop", "kwok-zone-c")
	events.await(t, sdk.Detected, "node-c-1", "not ready")
	c.component(t, "cont", "kwok-zone-c")
	events.await(t, sdk.Recovered, "node-c-1", "ready again")
	require.Zero(t, events.about(other+"/"), "nothing was done there")
}

// The limits of a selection, and how long it takes to read many pods.
func TestFiveThousandPodsAreFoundInPages(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	ns := c.namespace(t)
	c.manyPods(t, ns, 5000)
	l := c.plugin(t, nil)
	began := time.Now()
	found, problems, err := l.Resolve(t.Context(), "kubernetes_pod", sdk.Request{ID: "target.x", Config: json.RawMessage(fmt.Sprintf(`{"namespace":%q,"max_percent":10}`, ns)), Seed: 1})
	took := time.Since(began)
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Equal(t, 5000, found.Population)
	require.Len(t, found.Targets, 500)
	t.Logf("5,000 pods matched in %v", took)
	require.Less(t, took, 4*time.Second, "it is 2 s on a machine that does nothing else")
}

func TestNoConfigIsAProblem(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("HOME", t.TempDir())
	l, err := sdk.ServeLocal(kubernetes.New(), t.Output())
	require.NoError(t, err)
	_, problems, err := l.Configure(t.Context(), sdk.Settings{})
	require.NoError(t, err)
	require.Len(t, problems, 1)
	require.Equal(t, "There is no cluster to talk to", problems[0].Summary)
	require.NoError(t, l.Close())
}
