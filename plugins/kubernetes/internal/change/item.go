package change

import (
	"context"
	"errors"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
)

// There says whether a change is there.
type There int

// Partly is neither: somebody else has changed it, or it is about to go.
const (
	No There = iota
	Yes
	Partly
)

// Seen is what an object shows.
type Seen struct {
	There    There
	Evidence string
}

// Item is one change: exactly one of its members is set.
type Item struct {
	Edit     *Edit     `json:"edit,omitempty"`
	Creation *Creation `json:"creation,omitempty"`
}

// change is what an Edit and a Creation have in common.
type change interface {
	Effects() []string
	Apply(context.Context, *cluster.Cluster, mark.Mark) error
	Look(context.Context, *cluster.Cluster, mark.Mark) (Seen, error)
	Undo(context.Context, *cluster.Cluster, mark.Mark) error
}

var errEmpty = errors.New("the handle has an item with neither an edit nor a creation: it is of another version")

func (i Item) change() (change, error) {
	switch {
	case i.Edit != nil:
		return *i.Edit, nil
	case i.Creation != nil:
		return *i.Creation, nil
	}
	return nil, errEmpty
}

// Object is what is changed.
func (i Item) Object() cluster.Ref {
	switch {
	case i.Edit != nil:
		return i.Edit.Object
	case i.Creation != nil:
		return i.Creation.Object
	}
	return cluster.Ref{}
}

// Effects tell people what the change is.
func (i Item) Effects() []string {
	if c, err := i.change(); err == nil {
		return c.Effects()
	}
	return nil
}

// Apply makes the change. It is safe to repeat.
func (i Item) Apply(ctx context.Context, c *cluster.Cluster, m mark.Mark) error {
	what, err := i.change()
	if err != nil {
		return err
	}
	return what.Apply(ctx, c, m)
}

// Look says whether the change is there.
func (i Item) Look(ctx context.Context, c *cluster.Cluster, m mark.Mark) (Seen, error) {
	what, err := i.change()
	if err != nil {
		return Seen{}, err
	}
	return what.Look(ctx, c, m)
}

// Undo undoes the change. It is safe to repeat, and to call when the change was never made.
func (i Item) Undo(ctx context.Context, c *cluster.Cluster, m mark.Mark) error {
	what, err := i.change()
	if err != nil {
		return err
	}
	return what.Undo(ctx, c, m)
}
