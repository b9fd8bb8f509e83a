package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/press"
)

// leash is the connection with a container that presses for as long as it lasts: it ends with this process.
type leash struct {
	drop func() // closes what the container reads
	done chan struct{}
	// pressing is closed when the container says that it presses.
	pressing chan struct{}
	err      error // why the connection ended, once it has
}

// leashes are those of this process, by pod and container.
type leashes struct {
	mu  sync.Mutex
	all map[string]*leash
}

func newLeashes() *leashes { return &leashes{all: map[string]*leash{}} }

func leashKey(pod cluster.Ref, container string) string { return pod.UID + "/" + container }

// take connects with a container and has it press. However often it is asked for, there is one connection. A call that has been given up connects with
// nothing: its revert may have come and gone.
func (l *leashes) take(ctx context.Context, k *cluster.Cluster, pod cluster.Ref, container string) (*leash, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	key := leashKey(pod, container)
	if l.all[key] == nil || l.all[key].over() {
		l.all[key] = hold(k, pod, container)
	}
	return l.all[key], nil
}

func hold(k *cluster.Cluster, pod cluster.Ref, container string) *leash {
	ctx, cancel := context.WithCancel(context.Background()) // it outlives the call that makes it
	in := &beats{dropped: make(chan struct{}), next: time.Now()}
	out := &leash{done: make(chan struct{}), pressing: make(chan struct{})}
	out.drop = sync.OnceFunc(func() {
		close(in.dropped)
		time.AfterFunc(press.Silence, cancel) // a connection that does not end by itself is cut
	})
	go func() {
		defer close(out.done)
		defer out.drop() // nobody reads any more what it would write
		out.err = k.Attach(ctx, pod, container, in, &listener{heard: sync.OnceFunc(func() { close(out.pressing) })})
	}()
	return out
}

// over says whether the connection has ended.
func (l *leash) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// letGo has a container end: by letting go of it, or where another process may hold it by closing what it reads.
func (s *session) letGo(ctx context.Context, pod cluster.Ref, container string) error {
	key := leashKey(pod, container)
	s.leashes.mu.Lock()
	held := s.leashes.all[key]
	s.leashes.mu.Unlock()
	if held == nil {
		ctx, cancel := cluster.Writing(ctx)
		defer cancel()
		return s.cluster.Attach(ctx, pod, container, bytes.NewReader(nil), nil)
	}
	held.drop()
	select {
	case <-held.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s.leashes.mu.Lock()
	defer s.leashes.mu.Unlock()
	if s.leashes.all[key] == held {
		delete(s.leashes.all, key)
	}
	return nil
}

// beats are what a container reads: a line now and then, until it is dropped.
type beats struct {
	dropped chan struct{}
	next    time.Time
}

func (b *beats) Read(p []byte) (int, error) {
	select {
	case <-b.dropped:
		return 0, io.EOF
	case <-time.After(time.Until(b.next)):
	}
	b.next = time.Now().Add(press.Beat)
	return copy(p, press.Go), nil
}

// listener waits for the word with which a container says that it presses.
type listener struct {
	heard func()
	said  []byte
}

func (l *listener) Write(p []byte) (int, error) {
	const enough = 1 << 10 // of a container that says something else
	if l.said = append(l.said, p...); bytes.Contains(l.said, []byte(press.Pressing)) {
		l.heard()
	}
	if len(l.said) > enough {
		l.said = l.said[len(l.said)-enough:]
	}
	return len(p), nil
}

var errLetGo = errors.New("the container ended, or let go of the connection, before it pressed")

// await returns when the container presses.
func (l *leash) await(ctx context.Context) error {
	select {
	case <-l.pressing:
		return nil
	case <-l.done:
		return errors.Join(errLetGo, l.err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
