package change

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func entry(manager string, how metav1.ManagedFieldsOperationType, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: how, APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields)}
}

func TestOwnersGetBackWhatWasTakenFromThem(t *testing.T) {
	const apply, update = metav1.ManagedFieldsOperationApply, metav1.ManagedFieldsOperationUpdate
	before := []metav1.ManagedFieldsEntry{
		entry("argo", apply, `{"f:spec":{"f:paused":{},"f:replicas":{}}}`),
		entry("kubectl", update, `{"f:spec":{"f:replicas":{}}}`),
		entry("nobody", update, `{"f:metadata":{"f:labels":{"f:x":{}}}}`),
	}
	kept, err := owners(before, []Field{{Path: At("spec", "replicas")}})
	require.NoError(t, err)
	require.Equal(t, []metav1.ManagedFieldsEntry{
		entry("argo", apply, `{"f:spec":{"f:replicas":{}}}`), entry("kubectl", update, `{"f:spec":{"f:replicas":{}}}`),
	}, kept, "and nothing of what is not changed")

	now := []metav1.ManagedFieldsEntry{
		entry("argo", apply, `{"f:spec":{"f:paused":{}}}`),
		entry("gameday", update, `{"f:metadata":{"f:labels":{"f:gameday/fault":{}}},"f:spec":{"f:replicas":{}}}`),
		entry("nobody", update, `{"f:metadata":{"f:labels":{"f:x":{}}}}`),
	}
	back, err := handBack(now, kept)
	require.NoError(t, err)
	require.Equal(t, []metav1.ManagedFieldsEntry{before[0], before[2], before[1]}, back)
}

// What somebody else has taken from gameday meanwhile is theirs.
func TestOwnersDoNotGetWhatSomebodyElseHas(t *testing.T) {
	kept := []metav1.ManagedFieldsEntry{entry("argo", metav1.ManagedFieldsOperationApply, `{"f:spec":{"f:replicas":{}}}`)}
	now := []metav1.ManagedFieldsEntry{
		entry("gameday", metav1.ManagedFieldsOperationUpdate, `{"f:metadata":{"f:labels":{"f:gameday/fault":{}}}}`),
		entry("hpa", metav1.ManagedFieldsOperationUpdate, `{"f:spec":{"f:replicas":{}}}`),
	}
	back, err := handBack(now, kept)
	require.NoError(t, err)
	require.Equal(t, now[1:], back)
}

func TestALeafAndAnElementMeet(t *testing.T) {
	taint := Field{Path: At("spec", "taints").Of(map[string]string{"key": "k", "effect": "NoExecute"})}
	image := Field{Path: At("spec", "containers").Of(map[string]string{"name": "web"}).To("image")}
	all := []metav1.ManagedFieldsEntry{entry("x", metav1.ManagedFieldsOperationUpdate,
		`{"f:spec":{"f:containers":{"k:{\"name\":\"db\"}":{"f:image":{}},"k:{\"name\":\"web\"}":{"f:image":{},"f:name":{}}},"f:taints":{}}}`)}
	for want, f := range map[string]Field{
		`{"f:spec":{"f:taints":{}}}`: taint, `{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:image":{}}}}}`: image,
	} {
		kept, err := owners(all, []Field{f})
		require.NoError(t, err)
		require.Equal(t, []metav1.ManagedFieldsEntry{entry("x", metav1.ManagedFieldsOperationUpdate, want)}, kept)
	}
}
