package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Choosing a tenth of 5,000 pods, beside reading them with client-go as it comes: in one request, and as JSON.
func BenchmarkFiveThousandPods(b *testing.B) {
	c := aCluster(b)
	ns := c.namespace(b)
	c.manyPods(b, ns, 5000)
	l := c.plugin(b, nil)
	b.Run("plugin", func(b *testing.B) {
		for b.Loop() {
			found, problems, err := l.Resolve(b.Context(), "kubernetes_pod", sdk.Request{ID: "target.x", Config: json.RawMessage(fmt.Sprintf(`{"namespace":%q,"max_percent":10}`, ns)), Seed: 1})
			require.NoError(b, err)
			require.Empty(b, problems)
			require.Len(b, found.Targets, 500)
		}
	})
	b.Run("client-go", func(b *testing.B) {
		for b.Loop() {
			pods, err := c.api.CoreV1().Pods(ns).List(b.Context(), metav1.ListOptions{})
			require.NoError(b, err)
			require.Len(b, pods.Items, 5000)
		}
	})
}
