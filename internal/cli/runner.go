package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/environment"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/notify"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/replay"
	"github.com/gameday-toolkit/gameday/internal/undo"
)

// runner carries out one plan.
type runner struct {
	*app
	flags *runFlags
	root  string // absolute
	state environment.State
	start time.Time
	dir   journal.RunDir
	lock  *environment.Lock
	plan  *plan.Plan
	page  *livePage // nil without -live
	// source is the scenario's directory, from the top of its repository.
	source string
	tell   *notify.Notifier
	// approvals are those that let the run start.
	approvals []journal.Approval
}

func newRunner(a *app, o *runFlags) (*runner, error) {
	r := &runner{app: a, flags: o, start: time.Now()}
	var err error
	if r.root, err = filepath.Abs(o.runs); err != nil {
		return nil, err
	}
	r.dir = journal.RunDir{Path: filepath.Join(r.root, journal.NewRunID(r.start))}
	r.state, err = environment.Default()
	return r, err
}

// lockTime is what a holder that is about to let go has to do so.
const lockTime = 500 * time.Millisecond

// enter takes the environment, before the world is asked: what is planned must not change under the plan, and a world in
// which an earlier run has left something would only give wrong answers.
func (r *runner) enter(ctx context.Context, name string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	r.lock, err = r.state.Acquire(ctx, name, environment.Holder{What: "run", Run: r.dir.ID(), Dir: r.dir.Path, User: userName(), Since: r.start})
	var held *environment.HeldError
	if errors.As(err, &held) {
		return hint(fmt.Errorf("%w; nothing was touched", err), "wait for it to end; one game day at a time keeps cause and effect together")
	}
	if err != nil {
		return err
	}
	if err := r.notHalted(name); err != nil {
		return err
	}
	return r.nothingLeft(name)
}

func (r *runner) leave() error {
	if r.lock == nil {
		return nil
	}
	return r.lock.Release()
}

// nothingLeft refuses to add to what an earlier run may have left. A run that was killed before it touched anything
// leaves the register here.
func (r *runner) nothingLeft(name string) error {
	left, err := r.state.Unrecovered(name)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range left {
		if j, err := wiring.Read(journal.RunDir{Path: e.Dir}); err == nil && wiring.Clean(j) {
			errs = append(errs, r.state.Unregister(e.Environment, e.Run))
			continue
		}
		errs = append(errs, hint(fmt.Errorf("an earlier run in the environment %q has not been put back: %s; nothing was touched", e.Environment, e.Dir),
			"gameday recover "+shellWord(e.Dir)))
	}
	return errors.Join(errs...)
}

// carryOut does the run and says what came of it.
func (r *runner) carryOut(ctx context.Context) (err error) {
	if r.dir, err = journal.CreateRunDir(r.root, r.dir.ID()); err != nil {
		return hint(err, "choose another directory for runs with -runs DIR")
	}
	if r.tell, err = wiring.Notifier(ctx, r.plan, r.untold); err != nil {
		return errors.Join(err, os.RemoveAll(r.dir.Path))
	}
	defer r.told(ctx)
	started, engineErr, err := r.inDir(ctx)
	if !started {
		// Nothing was touched and nothing is registered: the directory holds nothing worth keeping.
		return errors.Join(err, os.RemoveAll(r.dir.Path))
	}
	return r.conclude(ctx, engineErr, err)
}

// inDir does the run in its directory. It has started when there is a journal; the first error is the engine's, and the
// other one that of what was around it.
func (r *runner) inDir(ctx context.Context) (started bool, engineErr, err error) {
	logs, err := newRedacted(filepath.Join(r.dir.Path, "plugins.log"), r.plan.Secrets)
	if err != nil {
		return false, nil, err
	}
	defer func() { err = errors.Join(err, logs.Close()) }()
	live := wiring.NewLive(ctx, r.plan, nil, r.flags.lease, filepath.Join(r.dir.Path, "plugins"), logs)
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		err = errors.Join(err, live.Stop(stop))
	}()
	show := r.view()
	defer show.Close()
	c, err := wiring.Config(r.plan, r.dir.ID(), live, r.asker(show))
	if err == nil {
		err = live.Start(ctx)
	}
	if err == nil {
		err = r.savePlan()
	}
	if err != nil {
		return false, nil, err
	}
	w, err := journal.Create(r.dir.Journal())
	if err != nil {
		return false, nil, err
	}
	defer func() { engineErr = errors.Join(engineErr, w.Close()) }()
	if err := r.register(); err != nil {
		return false, nil, err
	}
	stop, end := r.signals.during(func(nth int) { said(show, nth) })
	defer end()
	defer r.watchHalts(ctx)()
	c.Started, c.Journal, c.Stop, c.Observer = r.started(), w, stop, &teller{Observer: show, r: r}
	r.tell.Tell(wiring.NewsOf(r.plan, c.Started, notify.Start))
	notes := make(chan journal.NoteBody)
	c.Notes = notes
	defer r.watchNotes(ctx, notes)()
	r.page.attach(ctx, &c, r.dir, notes, show)
	defer r.page.stopped()
	c.Undo = undo.Options{Total: r.flags.revert, Attempt: min(time.Minute, r.flags.revert)}
	if r.engine != nil {
		r.engine(&c)
	}
	return true, engine.Run(ctx, c), nil
}

func (r *runner) register() error {
	return r.state.Register(environment.Entry{
		Run: r.dir.ID(), Dir: r.dir.Path, Scenario: r.plan.Scenario.Name, Environment: r.plan.Scenario.Environment, User: userName(), Since: r.start,
	})
}

func (r *runner) started() journal.Started {
	host, _ := os.Hostname() // only for people
	return journal.Started{
		Run: r.dir.ID(), Format: 1, Tool: "gameday " + toolVersion(), Seed: r.plan.Seed, PlanHash: r.plan.Hash(),
		Host: host, User: userName(), Lease: r.flags.lease, Approvals: r.approvals,
		Source: r.source,
	}
}

func (r *runner) savePlan() error {
	b, err := json.MarshalIndent(r.plan, "", "  ")
	if err == nil {
		err = os.WriteFile(r.dir.Plan(), append(b, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the plan into the run's directory: %w", err)
	}
	return nil
}

// conclude judges the run, writes the reports and says what came of it. Where the journal shows that everything is back,
// the run leaves the register.
func (r *runner) conclude(ctx context.Context, engineErr, err error) error {
	j, readErr := wiring.Judge(r.dir)
	if readErr != nil {
		r.complain(errors.Join(engineErr, err, readErr))
		r.tellBroken(readErr)
		return exitError{ExitBroken} // nothing is proven
	}
	if wiring.Clean(j) {
		err = errors.Join(err, r.state.Unregister(r.plan.Scenario.Environment, r.dir.ID()))
	}
	code := codeOfRun(j, engineErr)
	written := j.Write(r.dir.Path, nil)
	r.complain(errors.Join(engineErr, err, written))
	if code == ExitOK && written != nil {
		code = ExitInconclusive // a verdict that nobody can read is none
	}
	r.tell.Tell(j.NewsOfEnd(r.plan, code, r.dir.Report("report.html")))
	r.page.conclude(j)
	view.Result(r.out, j.Run, j.Result, j.Findings, placeOf(r.dir), r.paint)
	view.Replay(r.out, replay.Compare(j.Run, j.Result), r.paint)
	r.complain(r.tellGitHub(j))
	r.keep(ctx, j, r.flags.label)
	return exitError{code}
}

// placeOf is where a run is, as it can be typed from here.
func placeOf(dir journal.RunDir) view.Place {
	at := view.Place{Run: shellWord(relative(dir.Path))}
	if report := dir.Report("report.html"); exists(report) {
		at.Report = relative(report)
	}
	return at
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// relative is a path as short as it can be typed from here.
func relative(path string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
			return rel
		}
	}
	return path
}
