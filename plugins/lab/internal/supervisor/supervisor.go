package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/capacity"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/fabric"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/names"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/orders"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/runner"
)

// readyTimeout is how long the lab may take to come up before it gives up.
const readyTimeout = 30 * time.Second

// Supervisor is one lab.
type Supervisor struct {
	dir   labdir.Dir
	lab   labdir.Lab
	token string
	self  proc.ID
	ctx   context.Context // of all that outlives a request; ended by Run
	wg    sync.WaitGroup  // the same goroutines

	events   *eventLog
	runner   *runner.Runner
	fabric   *fabric.Fabric
	dns      *names.Server
	failover *names.Failover
	stores   map[string]*orders.Store
	role     *roleBoard
	http     *http.Client

	faults    faultBook
	instances instanceBook
	moving    sync.Mutex // held while a region failover moves the service

	readyMu sync.Mutex
	ready   bool
}

// Run brings a lab up, says so, and keeps it until the context ends. The directory has been prepared by the caller,
// who also binds the control port: holding it is what makes the lab's ports its own.
func Run(ctx context.Context, dir labdir.Dir, ln net.Listener, ready func()) error {
	s, err := prepare(dir, ln)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return errors.Join(s.run(ctx, ln, ready), s.stop(cancel))
}

func prepare(dir labdir.Dir, ln net.Listener) (*Supervisor, error) {
	lab, err := dir.Load()
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	token, err := dir.Token()
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	self, err := proc.Of(os.Getpid())
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("finding the lab's own program: %w", err), ln.Close())
	}
	events, err := openEvents(dir.EventFile())
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	s := &Supervisor{
		dir: dir, lab: lab, token: token, self: self, events: events, role: newRoleBoard(layout.East),
		stores: map[string]*orders.Store{},
		http:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	s.runner = runner.New(exe, dir.Path("logs"), s.saveProcesses)
	s.instances.quotas = map[string]*capacity.Quota{}
	for _, region := range layout.Regions() {
		s.instances.quotas[region] = capacity.New(lab.Settings.Quota)
	}
	s.dns = names.New(layout.Domain, s.resolve)
	s.failover = names.NewFailover(layout.Regions(), s.checkRegion, s.regionChanged)
	return s, nil
}

func (s *Supervisor) saveProcesses(children map[string]proc.ID) {
	// Only `down` after a kill of this process reads the list, and without it the children die with this process anyway.
	_ = s.dir.SaveProcesses(labdir.Processes{Supervisor: s.self, Children: children})
}

func (s *Supervisor) run(ctx context.Context, ln net.Listener, ready func()) error {
	s.ctx = ctx
	s.fabric = fabric.New(ctx)
	broken := make(chan error, 2)
	s.wg.Go(func() { broken <- s.serveAPI(ctx, ln) })
	s.wg.Go(func() { broken <- s.dns.Serve(ctx, s.lab.DNS()) })
	up, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := s.start(up); err != nil {
		select {
		case first := <-broken:
			return errors.Join(first, err)
		default:
			return err
		}
	}
	s.setReady()
	s.wg.Go(func() { s.failover.Run(ctx) })
	s.wg.Go(func() { s.expireFaults(ctx) })
	s.note(control.Noticed, "lab", "", "the lab is up")
	ready()
	select {
	case <-ctx.Done():
		return nil
	case err := <-broken:
		return err
	}
}

// stop ends everything that the lab has started, whatever state it is in.
func (s *Supervisor) stop(cancel context.CancelFunc) error {
	cancel()
	s.runner.Stop()
	for _, store := range s.stores {
		store.Close()
	}
	s.wg.Wait()
	if s.fabric != nil {
		s.fabric.Wait()
	}
	return s.events.Close()
}

func (s *Supervisor) setReady() {
	s.readyMu.Lock()
	defer s.readyMu.Unlock()
	s.ready = true
}

func (s *Supervisor) isReady() bool {
	s.readyMu.Lock()
	defer s.readyMu.Unlock()
	return s.ready
}

func (s *Supervisor) note(kind, source, subject, summary string) {
	s.events.Append(control.Event{At: time.Now(), Kind: kind, Source: source, Subject: subject, Summary: summary})
}
