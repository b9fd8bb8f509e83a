package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/watchdog"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A run that has a watchdog begins it with its first fault, and ends it with its last: whoever reverts the last recorded
// fault of a run, in whatever process, takes the watchdog away before the record.

// watchdogConfig is the block of that name.
type watchdogConfig struct {
	Image          string   `json:"image"`
	ServiceAccount string   `json:"service_account"`
	Lease          sdk.Span `json:"lease"`
}

const (
	defaultWatchdogAccount = "gameday-watchdog"
	defaultWatchdogLease   = 30 * time.Second
	// shortestWatchdogLease leaves an API server the time for some requests.
	shortestWatchdogLease = 5 * time.Second
	// watchdogLeases is how many of gameday's own leases have to fit into that of the watchdog, at least: what can be undone from outside
	// is undone there first.
	watchdogLeases = 2
)

func watchdogSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "A process in the cluster that undoes the faults of a run when every process of gameday is dead. It is there for as long as a fault " +
			"stands: a Lease that gameday renews, and a Job, in the namespace of the records.",
		Attributes: []sdk.Attribute{
			{Name: "image", Type: sdk.String, Required: true, Doc: "An image whose entry point is gameday-plugin-kubernetes, of this version."},
			{Name: "service_account", Type: sdk.String, Default: defaultWatchdogAccount, Doc: "The service account of its pod, in the namespace of the records. gameday plugin docs kubernetes --rbac prints the role that it needs."},
			{Name: "lease", Type: sdk.Duration, Default: defaultWatchdogLease.String(), Doc: "How long it waits for a renewal before it undoes the faults: whole seconds, at least twice gameday's own lease."},
		},
	}
}

// check finds the mistakes in the block. own is gameday's lease, and zero where there is none.
func (c *watchdogConfig) check(own time.Duration) (out []sdk.Problem) {
	if c == nil {
		return nil
	}
	c.defaults()
	lease := time.Duration(c.Lease)
	shortest := max(shortestWatchdogLease, watchdogLeases*own)
	switch {
	case c.Image == "":
		out = append(out, problem("watchdog.image", "The watchdog has no image", "Give it one whose entry point is gameday-plugin-kubernetes."))
	case lease%time.Second != 0:
		out = append(out, problem("watchdog.lease", fmt.Sprintf("A Lease of %v is not whole seconds", lease), "Use whole seconds."))
	case lease < shortest:
		out = append(out, problem("watchdog.lease", fmt.Sprintf("With a lease of %v the watchdog could be faster than gameday itself", lease), fmt.Sprintf("Use at least %v.", shortest)))
	}
	return out
}

func (c *watchdogConfig) defaults() {
	if c.ServiceAccount == "" {
		c.ServiceAccount = defaultWatchdogAccount
	}
	if c.Lease == 0 {
		c.Lease = sdk.Span(defaultWatchdogLease)
	}
}

// watchdogs is what a session has to do with watchdogs.
type watchdogs struct {
	// config is nil where the scenario has none.
	config *watchdog.Config
	// keeper is there in any case: a fault of another process may have had a watchdog. It is nil in the watchdog itself.
	keeper *watchdog.Keeper
	// account says what the service account may.
	account *access.Checker
}

func (c *watchdogConfig) watchdogs(k *cluster.Cluster, namespace string) watchdogs {
	var out watchdogs
	var conf watchdog.Config
	if c != nil {
		conf = watchdog.Config{Image: c.Image, ServiceAccount: c.ServiceAccount, Lease: time.Duration(c.Lease)}
		out.config, out.account = &conf, access.NewCheckerOf(k, conf.Subject(namespace))
	}
	out.keeper = watchdog.NewKeeper(k, namespace, Version, conf, os.Stderr)
	return out
}

// leased is told of every renewal of gameday's lease.
func (p *provider) leased(until time.Time) { p.session().watchdogs.keeper.Leased(until) }

func (w watchdogs) needs(namespace string) []access.Need {
	if w.config == nil {
		return nil
	}
	return watchdog.Needs(namespace)
}

// effect says what becomes of the fault when every process of gameday dies. alone is what does without a watchdog; if it is empty, all stays.
func (w watchdogs) effect(namespace, run, alone string) string {
	switch {
	case w.config == nil && alone != "":
		return alone
	case w.config == nil:
		return "if every process of gameday dies at once, all this stays until gameday recover or gameday sweep: there is no watchdog"
	}
	return fmt.Sprintf("keep a watchdog, the Lease and the Job %s/%s from the image %s: if every process of gameday dies at once, it begins to undo this %v after gameday's own lease has run out",
		namespace, watchdog.Name(run), w.config.Image, w.config.Lease)
}

// watchdogSteps end the watchdog of a run by hand.
func (s *session) watchdogSteps(run string) []string {
	return []string{s.cluster.Kubectl("-n %s delete job,lease %s", s.records.Namespace, watchdog.Name(run))}
}

// watchdogLacks says what the watchdog's service account may not do that it would take to undo a fault.
func (s *session) watchdogLacks(ctx context.Context, block string, needs []access.Need) ([]sdk.Problem, error) {
	if s.watchdogs.config == nil {
		return nil, nil
	}
	who := s.watchdogs.config.Subject(s.records.Namespace).User
	missing, err := s.watchdogs.account.Missing(ctx, slices.Concat(watchdog.OwnNeeds(s.records.Namespace), undoing(needs)))
	if errors.Is(err, access.ErrUnknown) {
		return []sdk.Problem{warning("", "Nobody has checked that the watchdog may undo "+block,
			fmt.Sprintf("Allow this user to create subjectaccessreviews.authorization.k8s.io, or see that %s has the role of gameday plugin docs kubernetes --rbac.", who))}, nil
	}
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	role, err := access.Manifest(watchdogRole, missing)
	return []sdk.Problem{{
		Severity: sdk.Error, Permission: access.List(missing),
		Summary: fmt.Sprintf("The watchdog could not undo %s: %s lacks permissions in %s", block, who, s.cluster.Server),
		Detail:  fmt.Sprintf("Apply this and bind it to %s:\n%s", who, role),
	}}, err
}

// watchdogRole is how the roles of the watchdog are called that are printed.
const watchdogRole = "gameday-watchdog"

// undoing are those of the needs of a fault that undoing it takes: nothing is created by that.
func undoing(needs []access.Need) []access.Need {
	return slices.DeleteFunc(slices.Clone(needs), func(n access.Need) bool { return n.Verb == "create" })
}

// record makes the record of a fault, and sees to it that the run has its watchdog before anything else is done.
func (s *session) record(ctx context.Context, m mark.Mark, h sdk.Handle) error {
	if s.watchdogs.config == nil {
		return s.records.Put(ctx, m, h, false)
	}
	return s.watchdogs.keeper.Alone(ctx, func() error {
		if err := s.records.Put(ctx, m, h, true); err != nil {
			return err
		}
		return s.watchdogs.keeper.Start(ctx, h.Run)
	})
}

// unrecord takes the record of a fault that is undone away, and with the last one the watchdog of the run. The watchdog itself goes by
// itself, when it has proven that everything is gone.
func (s *session) unrecord(ctx context.Context, m mark.Mark) error {
	watched, err := s.records.Watched(ctx, m)
	if err != nil {
		return err
	}
	if !watched || s.watchdogs.keeper == nil {
		return s.records.Drop(ctx, m)
	}
	return s.watchdogs.keeper.Alone(ctx, func() error {
		all, err := s.records.All(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(h sdk.Handle) bool { return h.Run == m.Run && h.ID != m.ID }) {
			if err := s.watchdogs.keeper.End(ctx, m.Run); err != nil {
				return err
			}
		}
		return s.records.Drop(ctx, m)
	})
}

// abandoned are watchdogs of runs that have no fault any more. Nobody but their makers would take them away if their pods cannot run.
func (s *session) abandoned(ctx context.Context, recorded []sdk.Handle) (out []sdk.Handle, err error) {
	runs, err := s.watchdogs.keeper.Runs(ctx)
	for _, run := range runs {
		if slices.ContainsFunc(recorded, func(h sdk.Handle) bool { return h.Run == run }) {
			continue
		}
		h, err := s.watchdogHandle(run)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, err
}

// hostname is the name of the pod.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(name)
}
