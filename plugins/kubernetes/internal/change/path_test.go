package change

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	require.NoError(t, json.Unmarshal([]byte(text), &o.Object))
	return o
}

// Whatever a field was before, and whether its parents were there: undone, everything is as it was.
func TestAFieldIsAsItWas(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		key := rapid.SampledFrom([]string{"a", "b", "c"})
		var value func(int) *rapid.Generator[any]
		value = func(depth int) *rapid.Generator[any] {
			kinds := []*rapid.Generator[any]{rapid.Int64Range(0, 9).AsAny(), rapid.Bool().AsAny(), rapid.SampledFrom([]string{"x", "y"}).AsAny()}
			if depth > 0 {
				member := rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) })
				kinds = append(kinds, rapid.MapOfN(key, member, 0, 3).AsAny())
			}
			return rapid.OneOf(kinds...)
		}
		content := rapid.MapOfN(key, value(2), 0, 3).Draw(r, "object")
		path := At(rapid.SliceOfN(key, 1, 3).Draw(r, "path")...)
		wish := Set{Path: path}
		if rapid.Bool().Draw(r, "sets") {
			wish.Value = value(1).Draw(r, "value")
		}
		before, err := normal(content)
		require.NoError(r, err)
		f, err := newField(&unstructured.Unstructured{Object: content}, wish)
		if err != nil { // the way leads through something that is no map
			return
		}
		ours, err := parse(f.Ours)
		require.NoError(r, err)
		during, err := path.put(before, ours, 0)
		require.NoError(r, err)
		is, depth := path.get(during)
		require.True(r, holds(is, ours))
		require.Equal(r, wish.Value != nil, depth == len(path))
		was, err := parse(f.Before)
		require.NoError(r, err)
		after, err := path.put(during, was, f.Made)
		require.NoError(r, err)
		require.Equal(r, before, after)
		require.Empty(r, mergePatch(before.(map[string]any), after.(map[string]any)))
	})
}

func TestAnElementOfAListIsFoundByItsKey(t *testing.T) {
	taints := At("spec", "taints")
	mine := taints.Of(map[string]string{"key": "k", "effect": "NoExecute"})
	require.Equal(t, "spec.taints[effect=NoExecute,key=k]", mine.String())
	node := object(t, `{"spec":{"taints":[{"key":"k","effect":"NoSchedule"},{"key":"other","effect":"NoExecute"}]}}`)
	f, err := newField(node, Set{Path: mine, Value: map[string]any{"key": "k", "effect": "NoExecute"}})
	require.NoError(t, err)
	require.Nil(t, f.Before)
	require.Zero(t, f.Made)
	bare := object(t, `{"spec":{}}`)
	f, err = newField(bare, Set{Path: mine, Value: map[string]any{"key": "k", "effect": "NoExecute"}})
	require.NoError(t, err)
	require.Equal(t, 1, f.Made, "the list goes with it")

	image := At("spec", "containers").Of(map[string]string{"name": "web"}).To("image")
	_, err = newField(object(t, `{"spec":{"containers":[{"name":"db"}]}}`), Set{Path: image, Value: "x"})
	require.ErrorContains(t, err, "there is no element [name=web]")
}

// The API server adds members to what was written; that does not make it somebody else's.
func TestWhatTheServerAddsIsNoChange(t *testing.T) {
	for _, c := range []struct {
		found, written string
		want           bool
	}{
		{`{"key":"k","timeAdded":"now"}`, `{"key":"k"}`, true}, {`{"key":"k"}`, `{"key":"k","value":"v"}`, false}, {`3`, `3`, true}, {`[1,2]`, `[1]`, false},
		{`null`, `null`, true}, {`{"a":{"b":1,"c":2}}`, `{"a":{"b":1}}`, true}, {`"3"`, `3`, false},
	} {
		found, err := parse(json.RawMessage(c.found))
		require.NoError(t, err)
		written, err := parse(json.RawMessage(c.written))
		require.NoError(t, err)
		require.Equal(t, c.want, holds(found, written), "%s %s", c.found, c.written)
	}
}
