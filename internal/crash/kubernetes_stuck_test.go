package crash

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scaled is a cell with a run that has begun to scale the Deployment web to nothing, for some seconds.
func scaled(t *testing.T, cluster *kubernetes, binary string) (*clustered, *started) {
	k := cluster.cell(newCell(t))
	k.ownFor("3s", binary, "workload", `names = ["web"]`, "scale", "")
	s := k.begin(k.command(crash{}, "run", "-yes", "-no-color", "-lease", "1m", "-revert-timeout", "5s", "s"))
	eventually(t, patience, "the fault is there", func() bool { return strings.Contains(k.look(), `"replicas":0`) })
	return k, s
}

// TestKubernetesOutOfReach has the API server away for longer than a run tries to put things back: the run says what is left and how to
// undo it by hand, and recover does so once the server is there again.
func TestKubernetesOutOfReach(t *testing.T) {
	needCluster(t)
	t.Parallel()
	binary := build(t, "kubernetes")
	for state, back := range map[string]string{"stop": "cont", "kill": "start"} {
		t.Run(state, func(t *testing.T) {
			cluster := startKubernetes(t)
			k, s := scaled(t, cluster, binary)
			cluster.component(t, state)
			code := s.wait()
			require.Equal(t, 5, code, s.said())
			require.Contains(t, s.said(), "kubectl --kubeconfig")
			require.Contains(t, s.said(), "scale deployment.apps web --replicas=2", "how to undo it by hand")
			code, said := k.do(crash{}, "recover", "-revert-timeout", "2s")
			require.Equal(t, 5, code, "it is still away: %s", said)

			cluster.component(t, back)
			eventually(t, patience, "the server is back", func() bool {
				resp, err := http.Get("http://" + cluster.api + "/readyz")
				return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
			})
			k.recover()
			k.proveNothingLeft()
			k.serves()
		})
	}
}

// component does something to the API server.
func (k *kubernetes) component(t *testing.T, what string) {
	out, err := exec.Command(k.program, what, "-dir", k.dir, "apiserver").CombinedOutput()
	require.NoError(t, err, string(out))
}

// TestKubernetesConflict has somebody change meanwhile what the fault has changed. That is for a person to decide: nothing is overwritten, by
// the run or by recover, until it is settled.
func TestKubernetesConflict(t *testing.T) {
	needCluster(t)
	t.Parallel()
	cluster, binary := startKubernetes(t), build(t, "kubernetes")
	for how, settle := range map[string]func(*clustered) int{
		"put back by hand": func(k *clustered) int {
			k.kubectl("", "-n", k.namespace, "scale", "deployment", "web", "--replicas", "2")
			return 2
		},
		"taken over": func(k *clustered) int {
			k.kubectl("", "-n", k.namespace, "label", "deployment", "web", "gameday/fault-")
			return 1
		},
	} {
		t.Run(how, func(t *testing.T) {
			k, s := scaled(t, cluster, binary)
			k.kubectl("", "-n", k.namespace, "scale", "deployment", "web", "--replicas", "1")
			has := func(n int) bool {
				return strings.Contains(k.look(), fmt.Sprintf(`"replicas":%d,"revisionHistoryLimit"`, n))
			}
			code := s.wait()
			require.Equal(t, 5, code, s.said())
			require.Contains(t, s.said(), "conflict: somebody else has changed deployment "+k.namespace+"/web")
			require.Contains(t, s.said(), "spec.replicas is 1; gameday set it to 0, and before it was 2")
			require.True(t, has(1), "theirs stays")

			code, said := k.do(crash{}, "recover", "-revert-timeout", "2s")
			require.Equal(t, 5, code, said)
			require.Contains(t, said, "spec.replicas is 1; gameday set it to 0, and before it was 2")
			require.True(t, has(1))

			settled := settle(k)
			code, said = k.recoverOnce()
			require.Equal(t, 0, code, said)
			require.True(t, has(settled))
			k.before = k.look() // what people have done is theirs
			for _, ours := range []string{`"gameday/`, `"manager":"gameday"`, "configmaps {\"data\":{\"handle.json"} {
				i := strings.Index(k.before, ours)
				require.Negative(t, i, "%.300s", k.before[max(i, 0):])
			}
			k.proveNothingLeft()
		})
	}
}
