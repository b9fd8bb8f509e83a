package change

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
)

// Whoever writes a field owns it, and so takes it from its owner: the next `kubectl apply --server-side` of the owner would be a
// conflict with gameday. So the owners of what is changed are kept, and get their fields back. Both are entries of
// metadata.managedFields.

// owners finds those who own something of what the fields change.
func owners(entries []metav1.ManagedFieldsEntry, fields []Field) (out []metav1.ManagedFieldsEntry, err error) {
	for _, e := range entries {
		all, err := setOf(e)
		if err != nil {
			return nil, err
		}
		some := fieldpath.NewSet()
		all.Iterate(func(p fieldpath.Path) {
			if slices.ContainsFunc(fields, func(f Field) bool { return f.Path.meets(p) }) {
				some.Insert(p.Copy())
			}
		})
		if some.Empty() || e.Manager == cluster.Manager {
			continue
		}
		if e, err = withSet(e, some); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// meets says whether one path is the beginning of the other.
func (p Path) meets(q fieldpath.Path) bool {
	for i := range min(len(p), len(q)) {
		switch {
		case p[i].Element == nil:
			if q[i].FieldName == nil || *q[i].FieldName != p[i].Name {
				return false
			}
		case q[i].Key != nil:
			for _, k := range *q[i].Key {
				if want, ok := p[i].Element[k.Name]; ok && (!k.Value.IsString() || k.Value.AsString() != want) {
					return false
				}
			}
		}
	}
	return true
}

// handBack gives what gameday owns to those who owned it before, and leaves gameday with nothing.
func handBack(now, before []metav1.ManagedFieldsEntry) ([]metav1.ManagedFieldsEntry, error) {
	ours, out := fieldpath.NewSet(), []metav1.ManagedFieldsEntry{}
	for _, e := range now {
		if e.Manager != cluster.Manager {
			out = append(out, e)
			continue
		}
		set, err := setOf(e)
		if err != nil {
			return nil, err
		}
		ours = ours.Union(set)
	}
	for _, e := range before {
		set, err := setOf(e)
		if err != nil {
			return nil, err
		}
		back := set.Intersection(ours)
		if back.Empty() {
			continue
		}
		i := slices.IndexFunc(out, func(o metav1.ManagedFieldsEntry) bool { return same(o, e) })
		if i < 0 {
			out = append(out, e)
			i = len(out) - 1
		}
		has, err := setOf(out[i])
		if err != nil {
			return nil, err
		}
		if out[i], err = withSet(out[i], has.Union(back)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func same(a, b metav1.ManagedFieldsEntry) bool {
	return a.Manager == b.Manager && a.Operation == b.Operation && a.APIVersion == b.APIVersion && a.Subresource == b.Subresource
}

func setOf(e metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	out := fieldpath.NewSet()
	if e.FieldsV1 == nil {
		return out, nil
	}
	if err := out.FromJSON(e.FieldsV1.GetRawReader()); err != nil {
		return nil, fmt.Errorf("reading the fields of the manager %s: %w", e.Manager, err)
	}
	return out, nil
}

func withSet(e metav1.ManagedFieldsEntry, s *fieldpath.Set) (metav1.ManagedFieldsEntry, error) {
	b, err := s.ToJSON()
	if err != nil {
		return e, fmt.Errorf("writing the fields of the manager %s: %w", e.Manager, err)
	}
	e.FieldsV1 = metav1.NewFieldsV1(string(b))
	return e, nil
}
