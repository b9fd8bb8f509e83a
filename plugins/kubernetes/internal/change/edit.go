package change

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
)

// Edit is a change of fields of an object that is there. It is written in one request together with the mark, and only if
// the object is still what was read right before. So the mark is on the object if and only if the change was made.
type Edit struct {
	Object cluster.Ref `json:"object"`
	Fields []Field     `json:"fields"`
	// Owners owned the fields, as in metadata.managedFields, and only those fields.
	Owners []metav1.ManagedFieldsEntry `json:"owners,omitempty"`
	// Lost says that only the mark on the object is known, and not what was changed.
	Lost bool `json:"lost,omitempty"`

	held string // the fault that holds the object, when it was read
}

// Field is one field. Absent values are nil.
type Field struct {
	Path   Path            `json:"path"`
	Before json.RawMessage `json:"before,omitempty"`
	Ours   json.RawMessage `json:"ours,omitempty"`
	// Made is how many parents of the field are made with it, and taken away with it.
	Made int `json:"made,omitempty"`
}

// Set is a wish: this field, with this value; nil takes the field away.
type Set struct {
	Path  Path
	Value any
}

// ErrLost says that it is not known what an object was like before.
var ErrLost = errors.New("what was changed is not known any more")

// ErrConflict says that somebody else has changed what a fault changed, too. Theirs stays.
var ErrConflict = errors.New("conflict")

// NewEdit plans a change of an object as it was read. What has its value already is left out, so an Edit may have no Fields.
func NewEdit(k cluster.Kind, o *unstructured.Unstructured, wishes ...Set) (Edit, error) {
	e := Edit{Object: cluster.RefOf(k, o)}
	if hash, run := mark.Holder(o); hash != "" {
		e.held = fmt.Sprintf("a fault of the run %s (%s)", run, hash)
	}
	for _, w := range wishes {
		f, err := newField(o, w)
		if err != nil {
			return e, fmt.Errorf("planning %s of %s: %w", w.Path, e.Object, err)
		}
		if so, err := f.already(); err != nil {
			return e, err
		} else if !so {
			e.Fields = append(e.Fields, f)
		}
	}
	var err error
	e.Owners, err = owners(o.GetManagedFields(), e.Fields)
	return e, err
}

func newField(o *unstructured.Unstructured, w Set) (f Field, err error) {
	f = Field{Path: w.Path}
	is, depth := w.Path.get(o.Object)
	if depth == len(w.Path) {
		if f.Before, err = json.Marshal(is); err != nil {
			return f, err
		}
	} else {
		f.Made = len(w.Path) - 1 - depth
	}
	if w.Value != nil {
		if f.Ours, err = json.Marshal(w.Value); err != nil {
			return f, err
		}
		_, err = w.Path.put(o.Object, w.Value, 0)
	}
	return f, err
}

// already says whether the field has its value without us.
func (f Field) already() (bool, error) {
	before, errBefore := parse(f.Before)
	ours, errOurs := parse(f.Ours)
	return holds(before, ours), errors.Join(errBefore, errOurs)
}

// Held says which fault held the object when the change was planned.
func (e Edit) Held() string { return e.held }

// Effects tell people what will be changed.
func (e Edit) Effects() (out []string) {
	for _, f := range e.Fields {
		out = append(out, fmt.Sprintf("%s: %s: %s -> %s", e.Object, f.Path, show(f.Before), show(f.Ours)))
	}
	return out
}

func show(b json.RawMessage) string {
	const most = 200
	switch {
	case len(b) == 0:
		return "(none)"
	case len(b) > most:
		return string(b[:most]) + "..."
	}
	return string(b)
}

// Apply makes the change, unless it is there.
func (e Edit) Apply(ctx context.Context, c *cluster.Cluster, m mark.Mark) error {
	return attempts(ctx, func() error {
		o, err := c.Find(ctx, e.Object)
		switch {
		case err != nil:
			return err
		case o == nil:
			return fmt.Errorf("%s is gone, or another one, since the plan was made: plan again", e.Object)
		}
		if hash, run := mark.Holder(o); hash != "" && hash != m.Hash {
			return fmt.Errorf("%s is held already by a fault of the run %s (%s): undo that first, with gameday recover or gameday sweep", e.Object, run, hash)
		}
		seen, err := e.compare(o)
		if err != nil {
			return err
		}
		if len(seen.ours) == len(e.Fields) && m.On(o) {
			return nil
		}
		if bad := append(seen.other, seen.ours...); len(bad) > 0 && !m.On(o) || len(seen.other) > 0 {
			return fmt.Errorf("%s has changed since the plan was made (%s): plan again", e.Object, strings.Join(bad, "; "))
		}
		return e.write(ctx, c, o, func(f Field) json.RawMessage { return f.Ours }, m.Labels())
	})
}

// Look says whether the change is there.
func (e Edit) Look(ctx context.Context, c *cluster.Cluster, m mark.Mark) (Seen, error) {
	o, err := c.Find(ctx, e.Object)
	switch {
	case err != nil:
		return Seen{}, err
	case o == nil:
		return Seen{There: No, Evidence: fmt.Sprintf("%s is gone, or another one", e.Object)}, nil
	case e.mine(o, m) && e.Lost:
		return Seen{There: Yes, Evidence: fmt.Sprintf("%s carries the mark of this fault", e.Object)}, nil
	}
	seen, err := e.compare(o)
	if err != nil {
		return Seen{}, err
	}
	switch {
	case !e.mine(o, m):
		is := slices.Concat(seen.before, seen.ours, seen.other)
		return Seen{There: No, Evidence: fmt.Sprintf("%s does not carry the mark of this fault: %s", e.Object, strings.Join(is, ", "))}, nil
	case len(seen.ours) == len(e.Fields):
		return Seen{There: Yes, Evidence: fmt.Sprintf("%s: %s", e.Object, strings.Join(seen.ours, ", "))}, nil
	case len(seen.before) == len(e.Fields):
		return Seen{There: No, Evidence: fmt.Sprintf("%s is as it was before, although it carries the mark of this fault", e.Object)}, nil
	}
	return Seen{There: Partly, Evidence: fmt.Sprintf("%s is neither as it was nor as it should be: %s", e.Object, strings.Join(append(seen.other, seen.before...), "; "))}, nil
}

// Undo puts back what is ours. What somebody else has changed meanwhile stays, and is an ErrConflict.
func (e Edit) Undo(ctx context.Context, c *cluster.Cluster, m mark.Mark) error {
	return attempts(ctx, func() error {
		o, err := c.Find(ctx, e.Object)
		if err != nil || o == nil || !e.mine(o, m) {
			return err
		}
		if e.Lost {
			return fmt.Errorf("%w: %s was changed by a fault whose record is gone. Undo it by gameday recover of the run %s, or by hand, and then take off the labels %s and %s",
				ErrLost, e.Object, m.Run, mark.RunLabel, mark.FaultLabel)
		}
		seen, err := e.compare(o)
		if err != nil {
			return err
		}
		if len(seen.ours) > 0 {
			if err := e.write(ctx, c, o, nil, nil); err != nil {
				return err
			}
		}
		// Whoever has taken the label off has taken the object over.
		if len(seen.other) > 0 && m.On(o) {
			return fmt.Errorf("%w: somebody else has changed %s since, and it is left alone: %s. Set it to either value, or to what it should be and remove the label %s, then undo again",
				ErrConflict, e.Object, strings.Join(seen.other, "; "), mark.FaultLabel)
		}
		if len(seen.ours) > 0 {
			return errAgain
		}
		return e.release(ctx, c, o)
	})
}

// mine says whether this fault changed the object. Somebody may have taken the label away; the field manager still tells.
func (e Edit) mine(o *unstructured.Unstructured, m mark.Mark) bool {
	if hash, _ := mark.Holder(o); hash != "" {
		return hash == m.Hash
	}
	for _, entry := range o.GetManagedFields() {
		if entry.Manager == cluster.Manager {
			return true
		}
	}
	return false
}

// compared is what the fields are by now, each in words.
type compared struct{ ours, before, other []string }

func (e Edit) compare(o *unstructured.Unstructured) (out compared, err error) {
	object, err := normal(o.Object)
	if err != nil {
		return out, err
	}
	for _, f := range e.Fields {
		is, _ := f.Path.get(object)
		before, errBefore := parse(f.Before)
		ours, errOurs := parse(f.Ours)
		found, errFound := json.Marshal(is)
		if err := errors.Join(errBefore, errOurs, errFound); err != nil {
			return out, err
		}
		if is == nil {
			found = nil
		}
		switch {
		case holds(is, ours):
			out.ours = append(out.ours, fmt.Sprintf("%s is %s", f.Path, show(found)))
		case holds(is, before):
			out.before = append(out.before, fmt.Sprintf("%s is %s", f.Path, show(found)))
		default:
			out.other = append(out.other, fmt.Sprintf("%s is %s; gameday set it to %s, and before it was %s", f.Path, show(found), show(f.Ours), show(f.Before)))
		}
	}
	return out, nil
}

// write writes values together with labels, or, without values, puts back what is ours. It is a conflict for the API server if
// the object is no longer what was read.
func (e Edit) write(ctx context.Context, c *cluster.Cluster, o *unstructured.Unstructured, values func(Field) json.RawMessage, labels map[string]string) error {
	read, err := normal(o.Object)
	if err != nil {
		return err
	}
	next := read
	for _, f := range e.Fields {
		value, prune := f.Before, f.Made
		if values != nil {
			value, prune = values(f), 0
		} else if ours, err := parse(f.Ours); err != nil {
			return err
		} else if is, _ := f.Path.get(read); !holds(is, ours) {
			continue
		}
		v, err := parse(value)
		if err != nil {
			return err
		}
		if next, err = f.Path.put(next, v, prune); err != nil {
			return fmt.Errorf("changing %s of %s: %w", f.Path, e.Object, err)
		}
	}
	for k, v := range labels {
		if next, err = At("metadata", "labels", k).put(next, v, 0); err != nil {
			return err
		}
	}
	return guarded(ctx, c, e.Object, o, mergePatch(read.(map[string]any), next.(map[string]any)))
}

// release takes the mark off and gives the fields back to their owners.
func (e Edit) release(ctx context.Context, c *cluster.Cluster, o *unstructured.Unstructured) error {
	entries, err := handBack(o.GetManagedFields(), e.Owners)
	if err != nil {
		return err
	}
	return guarded(ctx, c, e.Object, o, map[string]any{"metadata": map[string]any{
		"labels":        map[string]any{mark.RunLabel: nil, mark.FaultLabel: nil},
		"managedFields": entries,
	}})
}

// guarded sends a patch that applies to the object as it was read, and to nothing else.
func guarded(ctx context.Context, c *cluster.Cluster, r cluster.Ref, read *unstructured.Unstructured, patch map[string]any) error {
	meta, _ := patch["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
	}
	meta["uid"], meta["resourceVersion"] = read.GetUID(), read.GetResourceVersion()
	patch["metadata"] = meta
	b, err := json.Marshal(patch)
	if err != nil {
		return fmt.Errorf("writing the change of %s: %w", r, err)
	}
	return c.Patch(ctx, r, b)
}

// errAgain asks for another attempt after a success.
var errAgain = errors.New("not done yet")

// maxAttempts bounds how often a change is tried that others get in the way of: an object that changes all the time, such as a
// node, takes a few.
const maxAttempts = 15

// attempts repeats fn for as long as somebody else was faster.
func attempts(ctx context.Context, fn func() error) error {
	pause := 5 * time.Millisecond
	for n := 1; ; n++ {
		err := fn()
		again := errors.Is(err, errAgain)
		if err == nil || !again && !apierrors.IsConflict(err) || n == maxAttempts {
			return err
		}
		if !again {
			pause = min(2*pause, time.Second)
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}
