package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/records"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A record goes after everything else of its fault, so nothing that is marked is without one, unless somebody has deleted it, or it
// is in a namespace that another scenario uses for its records.

// marked is an object with a mark.
type marked struct {
	kind   cluster.Kind
	object unstructured.Unstructured
}

func (m marked) ref() cluster.Ref { return cluster.RefOf(m.kind, &m.object) }

// unrecorded finds what is marked and belongs to no fault that is recorded, in whatever namespace. What a fault made can be undone without a
// record. What it changed cannot, and is said to be so.
func (s *session) unrecorded(ctx context.Context) ([]sdk.Handle, error) {
	faults, err := s.marked(ctx)
	if err != nil || len(faults) == 0 {
		return nil, err
	}
	// The records are read after what is marked: a fault that begins meanwhile is recorded before it makes or changes anything.
	recorded, err := s.cluster.List(ctx, cluster.ConfigMaps, metav1.NamespaceAll, mark.FaultLabel)
	if apierrors.IsForbidden(err) {
		return nil, nil // and so nobody knows whether it is recorded elsewhere
	}
	if err != nil {
		return nil, err
	}
	for _, o := range recorded {
		if hash, _ := mark.Holder(&o); records.Is(o.GetLabels()) {
			delete(faults, hash)
		}
	}
	var out []sdk.Handle
	for _, hash := range slices.Sorted(maps.Keys(faults)) {
		left, err := s.stillMarked(ctx, hash, faults[hash])
		if err != nil {
			return nil, err
		}
		if len(left) == 0 { // it was undone meanwhile, and its record with it
			continue
		}
		h, err := s.markedHandle(left)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// marked lists what carries a mark, by its hash. Kinds that this user may not list are passed over: then none of its faults has made or
// changed one.
func (s *session) marked(ctx context.Context) (map[string][]marked, error) {
	out := map[string][]marked{}
	for _, k := range cluster.Markable() {
		all, err := s.cluster.List(ctx, k, metav1.NamespaceAll, mark.FaultLabel)
		switch {
		case apierrors.IsForbidden(err) || apierrors.IsNotFound(err):
			continue
		case err != nil:
			return nil, err
		}
		for _, o := range all {
			hash, _ := mark.Holder(&o)
			if metav1.GetControllerOf(&o) == nil && !records.Is(o.GetLabels()) {
				out[hash] = append(out[hash], marked{k, o})
			}
		}
	}
	return out, nil
}

func (s *session) stillMarked(ctx context.Context, hash string, all []marked) (out []marked, err error) {
	for _, m := range all {
		o, err := s.cluster.Find(ctx, m.ref())
		if err != nil {
			return nil, err
		}
		if o == nil {
			continue
		}
		if now, _ := mark.Holder(o); now == hash {
			out = append(out, m)
		}
	}
	return out, nil
}

// markedHandle is for what one fault made and changed, by the marks alone. It is undone as the items of any fault are; that of scaling
// adds nothing to that.
func (s *session) markedHandle(objects []marked) (sdk.Handle, error) {
	hash, run := mark.Holder(&objects[0].object)
	h := sdk.Handle{Run: run, Plugin: "kubernetes", Version: Version, Fault: scale().name}
	u := undo[scaled]{Cluster: s.cluster.UID, Server: s.cluster.Server, Context: s.cluster.Context}
	for _, m := range objects {
		r := m.ref()
		if id := m.object.GetAnnotations()[mark.HandleAnnotation]; id != "" {
			made := change.NewCreation(r.Kind, r.Namespace, r.Name, nil)
			u.Items = append(u.Items, change.Item{Creation: &made})
			h.ID, h.Steps = id, append(h.Steps, s.cluster.Kubectl("%s", r.Args("delete")))
			continue
		}
		u.Items = append(u.Items, change.Item{Edit: &change.Edit{Object: r, Lost: true}})
		h.Steps = append(h.Steps, fmt.Sprintf("put %s back to what it was; then %s", r, s.cluster.Kubectl("%s %s- %s-", r.Args("label"), mark.FaultLabel, mark.RunLabel)))
	}
	if h.ID == "" {
		h.ID = mark.Unnamed(hash)
	}
	var err error
	if h.Undo, err = json.Marshal(u); err != nil {
		err = fmt.Errorf("writing the handle of %s: %w", h.ID, err)
	}
	return h, err
}
