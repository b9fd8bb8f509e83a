package kubernetes

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// What the cluster notices by itself: nodes that become unready and ready again, and the events about what the faults of this
// session are about. Both are watched from the beginning of the session.

func observeNeeds() []access.Need {
	return append(access.On(cluster.Events, "", "", "list", "watch"), access.On(cluster.Nodes, "", "", "list", "watch")...)
}

// source is one kind of object that is watched.
type source struct {
	what string
	// list reads what is there and returns the version at which a watch goes on.
	list  func(context.Context) (string, error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
	// take is told of every change.
	take func(watch.Event)
}

// observe watches until ctx ends. What this user may not watch is left out, and that is an error at the end.
func (p *provider) observe(ctx context.Context, send func(sdk.Event)) error {
	s := p.session()
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	sources := []source{s.nodeSource(send), s.eventSource(send)}
	for _, src := range sources {
		all.Go(func() {
			if err := src.run(ctx, s); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = err
			}
		})
	}
	all.Wait()
	return failed
}

// The pauses between attempts to watch again.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
)

// run watches, and watches again when the API server ends it or cannot be reached. What changed meanwhile is read anew if the
// server does not know it any more.
func (src source) run(ctx context.Context, s *session) error {
	pause, version := firstPause, ""
	for {
		err := src.follow(ctx, &version, func() { pause = firstPause })
		switch {
		case ctx.Err() != nil:
			return nil
		case apierrors.IsForbidden(err):
			return fmt.Errorf("watching %s: %w", src.what, s.cluster.Explain(err))
		case apierrors.IsResourceExpired(err) || apierrors.IsGone(err):
			version = ""
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// follow watches from a version on, and keeps it up to date.
func (src source) follow(ctx context.Context, version *string, alive func()) (err error) {
	if *version == "" {
		if *version, err = src.list(ctx); err != nil {
			return err
		}
	}
	w, err := src.watch(ctx, metav1.ListOptions{ResourceVersion: *version, AllowWatchBookmarks: true})
	if err != nil {
		return err
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-w.ResultChan():
			if !open {
				return nil
			}
			if e.Type == watch.Error {
				return apierrors.FromObject(e.Object)
			}
			if o, ok := e.Object.(metav1.Object); ok {
				*version = o.GetResourceVersion()
			}
			alive()
			if e.Type != watch.Bookmark {
				src.take(e)
			}
		}
	}
}

// nodeSource tells of nodes that become unready, and ready again.
func (s *session) nodeSource(send func(sdk.Event)) source {
	was := map[string]bool{}
	tell := func(n corev1.Node, first bool) {
		is := ready(n) == "true"
		before, known := was[n.Name]
		was[n.Name] = is
		if first || !known || before == is {
			return
		}
		e := sdk.Event{At: readySince(n), Kind: sdk.Detected, Source: "node controller", Subject: n.Name, Summary: "node " + n.Name + " is not ready"}
		if is {
			e.Kind, e.Summary = sdk.Recovered, "node "+n.Name+" is ready again"
		}
		send(e)
	}
	began := false
	return source{
		what: "the nodes",
		list: func(ctx context.Context) (string, error) {
			ctx, cancel := cluster.Reading(ctx)
			defer cancel()
			all, err := s.cluster.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
			if err != nil {
				return "", err
			}
			for _, n := range all.Items {
				tell(n, !began)
			}
			began = true
			return all.ResourceVersion, nil
		},
		watch: s.cluster.Watch.CoreV1().Nodes().Watch,
		take: func(e watch.Event) {
			n, ok := e.Object.(*corev1.Node)
			switch {
			case ok && e.Type == watch.Deleted:
				delete(was, n.Name)
			case ok:
				tell(*n, false)
			}
		},
	}
}

// readySince is when the node became what it is.
func readySince(n corev1.Node) time.Time {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady && !c.LastTransitionTime.IsZero() {
			return within(c.LastTransitionTime.Time, time.Now())
		}
	}
	return time.Now()
}

// within is the moment of something that Kubernetes tells to the whole second, which it rounds down: it was at any time of that second,
// and not later than it was heard of. The latest such moment is the honest one, since the earliest may lie before the cause.
func within(second, heard time.Time) time.Time {
	if second.Nanosecond() != 0 || heard.Before(second) {
		return second
	}
	if last := second.Add(time.Second - time.Millisecond); heard.After(last) {
		return last
	}
	return heard
}

// eventSource tells of events about what the faults are about.
func (s *session) eventSource(send func(sdk.Event)) source {
	return source{
		what: "the events",
		list: func(ctx context.Context) (string, error) {
			ctx, cancel := cluster.Reading(ctx)
			defer cancel()
			// The events themselves are of no interest: they are of the past.
			one, err := s.cluster.Typed.CoreV1().Events("").List(ctx, metav1.ListOptions{Limit: 1})
			if err != nil {
				return "", err
			}
			return one.ResourceVersion, nil
		},
		watch: s.cluster.Watch.CoreV1().Events("").Watch,
		take: func(e watch.Event) {
			if ev, ok := e.Object.(*corev1.Event); ok && e.Type != watch.Deleted && s.watcher.concerns(ev) {
				send(eventOf(ev))
			}
		},
	}
}

// eventOf is an event of Kubernetes as the timeline has it.
func eventOf(e *corev1.Event) sdk.Event {
	kind := sdk.Noticed
	switch e.Reason {
	case "FailedScheduling", "FailedCreate", "FailedCreatePodSandBox", "Evicted", "Preempted", "OOMKilling":
		kind = sdk.Limited
	case "NodeNotReady":
		kind = sdk.Detected
	case "NodeReady":
		kind = sdk.Recovered
	}
	subject := e.InvolvedObject.Name
	if e.InvolvedObject.Namespace != "" {
		subject = e.InvolvedObject.Namespace + "/" + subject
	}
	from := e.Source.Component
	if from == "" {
		from = e.ReportingController
	}
	return sdk.Event{At: timeOf(e), Kind: kind, Source: from, Subject: subject, Summary: fmt.Sprintf("%s: %s", e.Reason, e.Message)}
}

func timeOf(e *corev1.Event) time.Time {
	for _, t := range []time.Time{e.LastTimestamp.Time, e.EventTime.Time, e.CreationTimestamp.Time} {
		if !t.IsZero() {
			return within(t, time.Now())
		}
	}
	return time.Now()
}
