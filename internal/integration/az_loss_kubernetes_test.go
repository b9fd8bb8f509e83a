package integration

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// TestAZLossKubernetes loses a zone of a cluster. When capacity really was back is known from a watch of the pods, and from when they
// say themselves that they became ready.
func TestAZLossKubernetes(t *testing.T) {
	need(t, "kubectl")
	w := up(t, "az-loss-kubernetes")
	t.Setenv("KUBECONFIG", filepath.Join(w.dir, "cluster", "kubeconfig"))
	pods := watchPods(t)
	r := w.play()
	lost, back := pods.outage(t, 6)
	require.Equal(t, 0, r.exit, r.said)

	fault := r.report.Result.Faults[0]
	require.Equal(t, "reverted", fault.State)
	within(t, "the first pod of the zone ended", lost.Sub(r.report.Run.Started), fault.T0)
	// What the probe sees are endpoints, which a controller makes of pods.
	const endpoints = time.Second
	said := r.objective(t, "capacity_recovers").Time
	require.NotNil(t, said)
	require.False(t, said.Censored)
	t.Logf("all pods were ready again after %v, the report says %v to %v", back.Sub(lost), said.Lo, said.Hi)
	require.GreaterOrEqual(t, back.Sub(lost)+endpoints, said.Lo)
	require.LessOrEqual(t, back.Sub(lost)-looking, said.Hi)
	ready := pods.lastReady(t)
	t.Logf("the last of them says that it became ready at %v, to the second; the watch told of it at %v", ready.UTC(), back.UTC())
	require.WithinRange(t, back, ready, ready.Add(2*time.Second), "the watch and the pods' own conditions, which have seconds")
	require.Equal(t, measure.Pass, r.objective(t, "service_goes_on").Verdict)

	out, err := exec.Command(filepath.Join(w.scenario, "env", "spread")).CombinedOutput()
	require.NoError(t, err, string(out))
	twin := w.playUnstarved("-var-file", filepath.Join(w.scenario, "quota.vars.hcl"))
	require.Equal(t, 1, twin.exit, twin.said)
	o := twin.objective(t, "capacity_recovers")
	require.Equal(t, measure.Fail, o.Verdict)
	require.NotNil(t, o.Time)
	require.True(t, o.Time.Censored, "nobody knows how long it would have taken: %+v", o.Time)
	require.GreaterOrEqual(t, o.Time.Lo, 29*time.Second, "that is how long the zone was away")
	require.Contains(t, twin.said, "exceeded quota")
	require.Contains(t, twin.said, "everything is as it was")
}

// pod is what the test reads of a pod.
type pod struct {
	Metadata struct {
		Name              string
		DeletionTimestamp string
	}
	Status struct {
		Conditions []struct {
			Type, Status       string
			LastTransitionTime time.Time
		}
	}
}

// ready is since when a pod is ready.
func (p pod) ready() (since time.Time, is bool) {
	for _, c := range p.Status.Conditions {
		if c.Type == "Ready" && c.Status == "True" {
			return c.LastTransitionTime, p.Metadata.DeletionTimestamp == ""
		}
	}
	return time.Time{}, false
}

// podWatch is every change of the shop's pods, and when it was told.
type podWatch struct {
	mu     sync.Mutex
	events []podEvent
}

type podEvent struct {
	at     time.Time
	Type   string
	Object pod
}

func watchPods(t *testing.T) *podWatch {
	t.Helper()
	cmd := exec.Command("kubectl", "-n", "shop", "get", "pods", "--watch", "--output-watch-events", "-o", "json")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	w := &podWatch{}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for d := json.NewDecoder(out); ; {
			var e podEvent
			if err := d.Decode(&e); err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
					t.Logf("watching pods: %v", err)
				}
				return
			}
			e.at = time.Now()
			w.mu.Lock()
			w.events = append(w.events, e)
			w.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-over
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.events) >= 6 }, 20*time.Second, 20*time.Millisecond)
	return w
}

// outage is from when fewer pods were ready than there should be, until as many were again and remained so.
func (w *podWatch) outage(t *testing.T, all int) (from, to time.Time) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	ready := map[string]bool{}
	enough := false
	for _, e := range w.events {
		_, is := e.Object.ready()
		if ready[e.Object.Metadata.Name] = is && e.Type != "DELETED"; !ready[e.Object.Metadata.Name] {
			delete(ready, e.Object.Metadata.Name)
		}
		switch now := len(ready) >= all; {
		case enough && !now && from.IsZero():
			from = e.at
		case !enough && now && !from.IsZero():
			to = e.at
		}
		enough = len(ready) >= all
	}
	require.False(t, from.IsZero(), "no pod was lost")
	require.True(t, enough, "not all pods are ready in the end")
	return from, to
}

// lastReady is when the last of the pods that are ready became so, by their own words.
func (w *podWatch) lastReady(t *testing.T) time.Time {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	now := map[string]time.Time{}
	for _, e := range w.events {
		since, is := e.Object.ready()
		if delete(now, e.Object.Metadata.Name); is && e.Type != "DELETED" {
			now[e.Object.Metadata.Name] = since
		}
	}
	var all []time.Time
	for _, since := range now {
		all = append(all, since)
	}
	require.NotEmpty(t, all)
	return slices.MaxFunc(all, time.Time.Compare)
}
