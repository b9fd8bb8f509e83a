package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// Manager is the field manager of every write of ours.
const Manager = "gameday"

// PageSize is how many objects one request for a list brings.
const PageSize = 500

// Reading bounds a request that changes nothing.
func Reading(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, requestTimeout)
}

// Writing bounds a request that changes something. It does not end with ctx: a write that is given up may still be carried
// out after whatever the caller does next, such as a revert. So it is waited for.
func Writing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
}

func (c *Cluster) at(r Ref) dynamic.ResourceInterface {
	all := c.Dynamic.Resource(r.Kind.resource())
	if r.Namespace == "" {
		return all
	}
	return all.Namespace(r.Namespace)
}

// Get reads an object.
func (c *Cluster) Get(ctx context.Context, r Ref) (*unstructured.Unstructured, error) {
	ctx, cancel := Reading(ctx)
	defer cancel()
	out, err := c.at(r).Get(ctx, r.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", r, c.Explain(err))
	}
	return out, nil
}

// Find reads an object, and gives nil if it is gone, or if there is another one of its name.
func (c *Cluster) Find(ctx context.Context, r Ref) (*unstructured.Unstructured, error) {
	o, err := c.Get(ctx, r)
	if apierrors.IsNotFound(err) || err == nil && string(o.GetUID()) != r.UID {
		return nil, nil
	}
	return o, err
}

// Patch changes an object by a merge patch.
func (c *Cluster) Patch(ctx context.Context, r Ref, patch []byte) error {
	return c.PatchAs(ctx, Manager, r, patch)
}

// PatchAs changes an object by a merge patch, under the name of a field manager.
func (c *Cluster) PatchAs(ctx context.Context, manager string, r Ref, patch []byte) error {
	ctx, cancel := Writing(ctx)
	defer cancel()
	_, err := c.at(r).Patch(ctx, r.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: manager})
	if err != nil {
		return fmt.Errorf("changing %s: %w", r, c.Explain(err))
	}
	return nil
}

// Create makes an object.
func (c *Cluster) Create(ctx context.Context, r Ref, o *unstructured.Unstructured) error {
	ctx, cancel := Writing(ctx)
	defer cancel()
	if _, err := c.at(r).Create(ctx, o, metav1.CreateOptions{FieldManager: Manager}); err != nil {
		return fmt.Errorf("creating %s: %w", r, c.Explain(err))
	}
	return nil
}

// Delete deletes the object with this UID and none other, after everything that it owns.
func (c *Cluster) Delete(ctx context.Context, r Ref, uid types.UID) error {
	ctx, cancel := Writing(ctx)
	defer cancel()
	after := metav1.DeletePropagationForeground
	err := c.at(r).Delete(ctx, r.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}, PropagationPolicy: &after})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %s: %w", r, c.Explain(err))
	}
	return nil
}

// List reads the objects of a kind page by page, in every namespace if namespace is empty.
func (c *Cluster) List(ctx context.Context, k Kind, namespace, selector string) (out []unstructured.Unstructured, err error) {
	err = Pages(ctx, selector, func(ctx context.Context, o metav1.ListOptions) (string, error) {
		page, err := c.at(Ref{Kind: k, Namespace: namespace}).List(ctx, o)
		if err != nil {
			return "", fmt.Errorf("listing %s: %w", k.Resource, c.Explain(err))
		}
		out = append(out, page.Items...)
		return page.GetContinue(), nil
	})
	return out, err
}

// Pages calls page for one page after the other; it returns what continues the list. A list that has grown too old to
// be continued is an error: what was read of it is of two different times.
func Pages(ctx context.Context, selector string, page func(context.Context, metav1.ListOptions) (string, error)) error {
	o := metav1.ListOptions{LabelSelector: selector, Limit: PageSize}
	for {
		one, cancel := Reading(ctx)
		next, err := page(one, o)
		cancel()
		if err != nil || next == "" {
			return err
		}
		o.Continue = next
	}
}

// Explain says what to do about an error, where its own words do not.
func (c *Cluster) Explain(err error) error {
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w: %s does not accept the credentials%s (any more): renew them, such as by logging in again, and repeat", err, c.Server, c.named())
	case apierrors.IsForbidden(err) && c.config.User != "":
		return fmt.Errorf("%w (impersonating %s)", err, c.config.User)
	}
	return err
}

func (c *Cluster) named() string {
	if c.Context == "" {
		return ""
	}
	return fmt.Sprintf(" of the context %q", c.Context)
}

// Impersonates says whether requests are made in another's name.
func (c *Cluster) Impersonates() bool { return c.config.User != "" }

// Title is what people call the cluster.
func (c *Cluster) Title() string {
	if c.Context == "" {
		return c.Server
	}
	return c.Context
}

// Kubectl is how a person runs kubectl on this cluster.
func (c *Cluster) Kubectl(format string, args ...any) string {
	out := "kubectl"
	if c.config.Kubeconfig != "" {
		out += " --kubeconfig " + Quote(c.config.Kubeconfig)
	}
	if c.Context != "" {
		out += " --context " + Quote(c.Context)
	}
	if c.config.User != "" {
		out += " --as " + Quote(c.config.User)
	}
	for _, g := range c.config.Groups {
		out += " --as-group " + Quote(g)
	}
	return out + " " + fmt.Sprintf(format, args...)
}
