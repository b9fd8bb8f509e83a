package change

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
)

// Creation is an object that a fault makes. Its name carries the mark's hash, so that it is nobody else's.
type Creation struct {
	Object   cluster.Ref    `json:"object"`
	Manifest map[string]any `json:"manifest"`
}

// NewCreation plans an object. The manifest is what there is beside kind, name, namespace and mark.
func NewCreation(k cluster.Kind, namespace, name string, manifest map[string]any) Creation {
	return Creation{Object: cluster.Ref{Kind: k, Namespace: namespace, Name: name}, Manifest: manifest}
}

// Effects tell people what will be made.
func (c Creation) Effects() []string {
	b, err := json.Marshal(c.Manifest)
	if err != nil {
		return []string{fmt.Sprintf("create %s", c.Object)}
	}
	return []string{fmt.Sprintf("create %s: %s", c.Object, show(b))}
}

// Apply makes the object, unless it is there.
func (c Creation) Apply(ctx context.Context, cl *cluster.Cluster, m mark.Mark) error {
	o, err := c.object(m)
	if err != nil {
		return err
	}
	err = cl.Create(ctx, c.Object, o)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	is, err := cl.Get(ctx, c.Object)
	if err == nil && (!m.On(is) || is.GetDeletionTimestamp() != nil) {
		return fmt.Errorf("there is already %s, which is not of this fault or about to go", c.Object)
	}
	return err
}

func (c Creation) object(m mark.Mark) (*unstructured.Unstructured, error) {
	v, err := normal(c.Manifest)
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", c.Object, err)
	}
	content, _ := v.(map[string]any)
	if content == nil {
		content = map[string]any{}
	}
	o := &unstructured.Unstructured{Object: content}
	o.SetAPIVersion(c.Object.APIVersion())
	o.SetKind(c.Object.Kind.Kind)
	o.SetNamespace(c.Object.Namespace)
	o.SetName(c.Object.Name)
	m.Put(o)
	return o, nil
}

// Look says whether the object is there.
func (c Creation) Look(ctx context.Context, cl *cluster.Cluster, m mark.Mark) (Seen, error) {
	o, err := cl.Get(ctx, c.Object)
	switch {
	case apierrors.IsNotFound(err):
		return Seen{There: No, Evidence: fmt.Sprintf("there is no %s", c.Object)}, nil
	case err != nil:
		return Seen{}, err
	case !m.On(o):
		return Seen{There: No, Evidence: fmt.Sprintf("%s is not of this fault", c.Object)}, nil
	case o.GetDeletionTimestamp() != nil:
		return Seen{There: Partly, Evidence: fmt.Sprintf("%s is being deleted", c.Object)}, nil
	}
	return Seen{There: Yes, Evidence: fmt.Sprintf("%s is there", c.Object)}, nil
}

// deletionPoll is how often it is looked whether an object has gone.
const deletionPoll = 50 * time.Millisecond

// Undo deletes the object if it carries the mark, and waits until it is gone.
func (c Creation) Undo(ctx context.Context, cl *cluster.Cluster, m mark.Mark) error {
	tick := time.NewTicker(deletionPoll)
	defer tick.Stop()
	for asked := false; ; {
		o, err := cl.Get(ctx, c.Object)
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		case !m.On(o):
			return nil
		}
		if !asked && o.GetDeletionTimestamp() == nil {
			if err := cl.Delete(ctx, c.Object, o.GetUID()); err != nil {
				return err
			}
			asked = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the end of %s, which is being deleted: %w", c.Object, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
