package supervisor

import (
	"context"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
)

// roleWait is how long a question for a newer role may wait.
const roleWait = 10 * time.Second

// roleBoard says which region takes orders, and who has heard it.
type roleBoard struct {
	mu      sync.Mutex
	role    control.Role
	changed chan struct{}
	heard   map[string]int
}

func newRoleBoard(active string) *roleBoard {
	return &roleBoard{role: control.Role{Version: 1, Active: active}, changed: make(chan struct{}), heard: map[string]int{}}
}

func (b *roleBoard) current() control.Role {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.role
}

func (b *roleBoard) set(active string) control.Role {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.role.Active != active {
		b.role = control.Role{Version: b.role.Version + 1, Active: active}
		b.wake()
	}
	return b.role
}

func (b *roleBoard) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// hear records what an instance has applied and returns the role, and what to wait for if it is no newer.
func (b *roleBoard) hear(instance string, since int) (control.Role, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if instance != "" && b.heard[instance] != since {
		b.heard[instance] = since
		b.wake()
	}
	return b.role, b.changed
}

// wait answers an instance: at once if it has not heard the present role, later otherwise.
func (b *roleBoard) wait(ctx context.Context, instance string, since int) control.Role {
	ctx, cancel := context.WithTimeout(ctx, roleWait)
	defer cancel()
	for {
		role, changed := b.hear(instance, since)
		if role.Version != since {
			return role
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return role
		}
	}
}

// confirmed waits until all the instances have applied a role; false if the context ends first.
func (b *roleBoard) confirmed(ctx context.Context, version int, instances []string) bool {
	for {
		b.mu.Lock()
		all := true
		for _, i := range instances {
			all = all && b.heard[i] >= version
		}
		changed := b.changed
		b.mu.Unlock()
		if all {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
