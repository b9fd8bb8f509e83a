package records

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A record is made before anything else of a fault and goes after everything else, so that gameday sweep finds every fault, and
// can undo it without a journal.

const (
	recordLabel = "gameday/record"
	// watchedAnnotation says that the fault's run had a watchdog.
	watchedAnnotation = "gameday/watched"
	handleKey         = "handle.json"
	// MaxHandle is how long a handle may be as JSON. A ConfigMap may have 1 MiB, and a handle should be below that, too.
	MaxHandle = 900 << 10
)

// Store is where the records are.
type Store struct {
	Cluster   *cluster.Cluster
	Namespace string
}

// Needs is what keeping records takes.
func (s Store) Needs() (out []access.Need) {
	for _, verb := range []string{"get", "list", "create", "delete"} {
		out = append(out, access.Need{Verb: verb, Resource: "configmaps", Namespace: s.Namespace})
	}
	return out
}

// Is says by its labels whether a ConfigMap is a record.
func Is(labels map[string]string) bool { return labels[recordLabel] != "" }

// Name is the name of a fault's record.
func Name(m mark.Mark) string { return "gameday-" + m.Hash }

// Put records a fault, unless it is recorded. Watched says that its run has a watchdog.
func (s Store) Put(ctx context.Context, m mark.Mark, h sdk.Handle, watched bool) error {
	b, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("writing the handle of %s: %w", h.ID, err)
	}
	labels := m.Labels()
	labels[recordLabel] = "true"
	record := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name: Name(m), Namespace: s.Namespace, Labels: labels, Annotations: map[string]string{mark.HandleAnnotation: h.ID},
		},
		Data: map[string]string{handleKey: string(b)},
	}
	if watched {
		record.Annotations[watchedAnnotation] = "true"
	}
	ctx, cancel := cluster.Writing(ctx)
	defer cancel()
	_, err = s.Cluster.Typed.CoreV1().ConfigMaps(s.Namespace).Create(ctx, record, metav1.CreateOptions{FieldManager: cluster.Manager})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("recording the fault in the namespace %s: %w", s.Namespace, s.Cluster.Explain(err))
	}
	return nil
}

// Has says whether a fault is recorded.
func (s Store) Has(ctx context.Context, m mark.Mark) (bool, error) {
	record, err := s.get(ctx, m)
	return record != nil, err
}

// Since is when a fault was recorded, the moment before it began; zero if it is not recorded.
func (s Store) Since(ctx context.Context, m mark.Mark) (time.Time, error) {
	record, err := s.get(ctx, m)
	if err != nil || record == nil {
		return time.Time{}, err
	}
	return record.CreationTimestamp.Time, nil
}

// Watched says whether a fault is recorded, and its run had a watchdog.
func (s Store) Watched(ctx context.Context, m mark.Mark) (bool, error) {
	record, err := s.get(ctx, m)
	return record != nil && record.Annotations[watchedAnnotation] != "", err
}

func (s Store) get(ctx context.Context, m mark.Mark) (*corev1.ConfigMap, error) {
	ctx, cancel := cluster.Reading(ctx)
	defer cancel()
	record, err := s.Cluster.Typed.CoreV1().ConfigMaps(s.Namespace).Get(ctx, Name(m), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the record of the fault: %w", s.Cluster.Explain(err))
	case record.Labels[mark.FaultLabel] != m.Hash:
		return nil, nil
	}
	return record, nil
}

// Drop takes the record of a fault away.
func (s Store) Drop(ctx context.Context, m mark.Mark) error {
	record, err := s.get(ctx, m)
	if err != nil || record == nil {
		return err
	}
	ctx, cancel := cluster.Writing(ctx)
	defer cancel()
	err = s.Cluster.Typed.CoreV1().ConfigMaps(s.Namespace).Delete(ctx, record.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &record.UID}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the record of the fault: %w", s.Cluster.Explain(err))
	}
	return nil
}

// All are the handles of every fault that is recorded, the newest first.
func (s Store) All(ctx context.Context) (out []sdk.Handle, err error) {
	var all []corev1.ConfigMap
	err = cluster.Pages(ctx, recordLabel, func(ctx context.Context, o metav1.ListOptions) (string, error) {
		page, err := s.Cluster.Typed.CoreV1().ConfigMaps(s.Namespace).List(ctx, o)
		if err != nil {
			return "", fmt.Errorf("listing the records of faults in the namespace %s: %w", s.Namespace, s.Cluster.Explain(err))
		}
		all = append(all, page.Items...)
		return page.Continue, nil
	})
	slices.SortFunc(all, newestFirst)
	for _, record := range all {
		var h sdk.Handle
		if err := json.Unmarshal([]byte(record.Data[handleKey]), &h); err != nil {
			return nil, fmt.Errorf("reading the record %s/%s: %w", s.Namespace, record.Name, err)
		}
		out = append(out, h)
	}
	return out, err
}

// newestFirst goes by the time of creation, which has seconds, and then by the version, which only grows.
func newestFirst(a, b corev1.ConfigMap) int {
	version := func(m corev1.ConfigMap) uint64 {
		n, err := strconv.ParseUint(m.ResourceVersion, 10, 64)
		if err != nil {
			return 0 // no version of an API server that we know: they stay as they were listed
		}
		return n
	}
	return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(version(b), version(a)))
}
