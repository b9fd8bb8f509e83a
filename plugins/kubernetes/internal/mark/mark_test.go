package mark

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
)

func TestAMarkFitsIntoLabelsAndNames(t *testing.T) {
	for _, run := range []string{"20261126-015024-359-8038", "a b/c", strings.Repeat("x", 100) + "-", "-", ""} {
		m := Of(run, run+`/fault.kubernetes_scale.f["a/b"]`)
		for k, v := range m.Labels() {
			require.Empty(t, validation.IsQualifiedName(k))
			require.Empty(t, validation.IsValidLabelValue(v), v)
		}
		if run != "" {
			require.Empty(t, validation.IsDNS1123Label(m.Name("quota")))
		}
	}
	require.NotEqual(t, Of("r", "r/a").Hash, Of("r", "r/b").Hash)
	require.Equal(t, "0123", Of("r", Unnamed("0123")).Hash)
}

func TestAMarkIsOnWhatItWasPutOn(t *testing.T) {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	m := Of("r", "r/a")
	require.False(t, m.On(o))
	m.Put(o)
	require.True(t, m.On(o))
	require.False(t, Of("r", "r/b").On(o))
	hash, run := Holder(o)
	require.Equal(t, []string{m.Hash, "r"}, []string{hash, run})
}
