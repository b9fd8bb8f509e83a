package watchdog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	coordination "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/change"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
)

const (
	// startBudget is how long the pod may take to come up. It is below what gameday gives an injection.
	startBudget = 90 * time.Second
	// poll is how often it is looked whether the pod is up.
	poll = 200 * time.Millisecond
	// perLease is how many renewals there are in the length of a Lease.
	perLease = 6
)

// Keeper has the watchdogs of the runs whose faults this process injects. It renews their Leases for as long as it is told that
// gameday's own lease lasts, and no longer.
type Keeper struct {
	cluster   *cluster.Cluster
	namespace string
	version   string
	config    Config
	log       io.Writer

	// turn has one token: whether a fault is the last one of its run is decided by one call at a time.
	turn chan struct{}

	mu    sync.Mutex
	until time.Time       // gameday's own lease
	ready map[string]bool // by run: it is being renewed, and whether its pod is up
	stop  context.CancelFunc
	done  chan struct{}
}

// NewKeeper makes a Keeper that has no watchdog yet. The version is that of the plugin, which the watchdog must have, too.
func NewKeeper(c *cluster.Cluster, namespace, version string, conf Config, log io.Writer) *Keeper {
	return &Keeper{
		cluster: c, namespace: namespace, version: version, config: conf, log: log,
		turn: make(chan struct{}, 1), ready: map[string]bool{},
	}
}

// Alone runs fn while no other call of Alone runs.
func (k *Keeper) Alone(ctx context.Context, fn func() error) error {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
		return fn()
	case <-ctx.Done():
		return fmt.Errorf("waiting for the start or the end of the run's watchdog: %w", context.Cause(ctx))
	}
}

// Leased says until when gameday's own lease lasts.
func (k *Keeper) Leased(until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until = until
}

// Start sees to it that the run has a watchdog, and returns once that has proven to watch.
func (k *Keeper) Start(ctx context.Context, run string) error {
	if k.has(run) {
		return nil
	}
	l, err := k.begin(ctx, run)
	if err != nil {
		return err
	}
	k.renewFrom(run)
	if err := k.config.job(k.namespace, run, l.UID).Apply(ctx, k.cluster, markOf(run)); err != nil {
		return fmt.Errorf("starting the watchdog: %w", err)
	}
	if err := k.await(ctx, run); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ready[run] = true
	return nil
}

func (k *Keeper) has(run string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ready[run]
}

// begin makes the Lease, or finds that of another process for the same run.
func (k *Keeper) begin(ctx context.Context, run string) (*coordination.Lease, error) {
	if err := k.config.lease(k.namespace, run, time.Now()).Apply(ctx, k.cluster, markOf(run)); err != nil {
		return nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	l, err := get(ctx, k.cluster, k.namespace, run)
	if err == nil && taken(l) {
		err = errTaken
	}
	if err != nil {
		return nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	return l, nil
}

var errTaken = errors.New("the watchdog of this run has seen no renewal for too long and undoes its faults")

// await waits until the pod has written itself into the Lease.
func (k *Keeper) await(ctx context.Context, run string) error {
	ctx, cancel := context.WithTimeout(ctx, startBudget)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		l, err := get(ctx, k.cluster, k.namespace, run)
		if err == nil && l.Annotations[watchedBy] != "" {
			return k.sameVersion(l.Annotations[watchedBy])
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("waiting for the watchdog: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the watchdog %s/%s did not come up (%s): %w", k.namespace, Name(run), k.why(run), context.Cause(ctx))
		case <-tick.C:
		}
	}
}

func (k *Keeper) sameVersion(by string) error {
	if version, _, _ := strings.Cut(by, " "); version != k.version {
		return fmt.Errorf("the image %s of the watchdog has version %s of the plugin, and this is %s: give it the image of this version", k.config.Image, version, k.version)
	}
	return nil
}

// why says what is with the watchdog's pods.
func (k *Keeper) why(run string) string {
	ctx, cancel := cluster.Reading(context.Background())
	defer cancel()
	pods, err := k.cluster.Typed.CoreV1().Pods(k.namespace).List(ctx, metav1.ListOptions{LabelSelector: watchdogLabel + "=" + markOf(run).Hash})
	switch {
	case err != nil:
		return fmt.Sprintf("its pods cannot be listed: %v", err)
	case len(pods.Items) == 0:
		return fmt.Sprintf("it has no pod; see kubectl -n %s describe job %s", k.namespace, Name(run))
	}
	return state(pods.Items[len(pods.Items)-1])
}

func state(p corev1.Pod) string {
	out := fmt.Sprintf("its pod %s is %s", p.Name, p.Status.Phase)
	for _, c := range p.Status.ContainerStatuses {
		switch {
		case c.State.Waiting != nil:
			out += fmt.Sprintf(", %s %s", c.State.Waiting.Reason, c.State.Waiting.Message)
		case c.State.Terminated != nil:
			out += fmt.Sprintf(", %s with exit code %d %s", c.State.Terminated.Reason, c.State.Terminated.ExitCode, c.State.Terminated.Message)
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue {
			out += ", " + c.Message
		}
	}
	return out
}

// End takes the watchdog of a run away, and waits until nothing is left of it. The run needs not be one of this process.
func (k *Keeper) End(ctx context.Context, run string) error {
	k.forget(run)
	for _, c := range parts(k.namespace, run) {
		if err := c.Undo(ctx, k.cluster, markOf(run)); err != nil {
			return fmt.Errorf("ending the watchdog: %w", err)
		}
	}
	return nil
}

// parts name what a watchdog consists of, in the order in which it goes: without the Lease it would still be found by that.
func parts(namespace, run string) []change.Creation {
	return []change.Creation{change.NewCreation(jobs, namespace, Name(run), nil), change.NewCreation(leases, namespace, Name(run), nil)}
}

// get reads the Lease of a run.
func get(ctx context.Context, c *cluster.Cluster, namespace, run string) (*coordination.Lease, error) {
	ctx, cancel := cluster.Reading(ctx)
	defer cancel()
	l, err := c.Typed.CoordinationV1().Leases(namespace).Get(ctx, Name(run), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the lease %s/%s: %w", namespace, Name(run), c.Explain(err))
	}
	return l, nil
}

// put writes the Lease, if it still is what was read.
func put(ctx context.Context, c *cluster.Cluster, l *coordination.Lease) (*coordination.Lease, error) {
	ctx, cancel := cluster.Writing(ctx)
	defer cancel()
	out, err := c.Typed.CoordinationV1().Leases(l.Namespace).Update(ctx, l, metav1.UpdateOptions{FieldManager: cluster.Manager})
	if err != nil {
		return nil, fmt.Errorf("writing the lease %s/%s: %w", l.Namespace, l.Name, c.Explain(err))
	}
	return out, nil
}

// absent says whether the Lease is gone or about to go.
func absent(l *coordination.Lease, err error) bool {
	return apierrors.IsNotFound(err) || err == nil && l.DeletionTimestamp != nil
}
