package watchdog

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
)

// Runs are the runs that have a watchdog. Whoever may not even list Leases has made none.
func (k *Keeper) Runs(ctx context.Context) (out []string, err error) {
	err = cluster.Pages(ctx, watchdogLabel, func(ctx context.Context, o metav1.ListOptions) (string, error) {
		page, err := k.cluster.Typed.CoordinationV1().Leases(k.namespace).List(ctx, o)
		if apierrors.IsForbidden(err) {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("listing the watchdogs in the namespace %s: %w", k.namespace, k.cluster.Explain(err))
		}
		for _, l := range page.Items {
			out = append(out, strings.TrimSuffix(strings.TrimSuffix(l.Annotations[mark.HandleAnnotation], "watchdog"), "/"))
		}
		return page.Continue, nil
	})
	return out, err
}

// Items are what the watchdog of a run consists of, as in the handle of a fault.
func (k *Keeper) Items(run string) (out []change.Item) {
	all := parts(k.namespace, run)
	for i := range all { // undone from the last to the first
		out = append(out, change.Item{Creation: &all[len(all)-1-i]})
	}
	return out
}
