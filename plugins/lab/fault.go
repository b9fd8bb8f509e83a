package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// kind is what sets one fault of the lab apart from the others. To add a fault: add a Kind to the control protocol, make
// the supervisor apply and undo it, and describe it in a file like the ones beside this.
type kind struct {
	schema sdk.Schema
	name   string
	// target is the type of target that the fault takes.
	target string
	// plan reads the block into a record and says what Inject will do.
	plan func(req sdk.Request, w *world, st control.Status, r *control.Record) (effects []string, problems []sdk.Problem, err error)
	// inspect reads the lab past the supervisor, where that is possible.
	inspect func(ctx context.Context, w *world, r control.Record) (sdk.State, error)
	// undo is what a revert does, for people.
	undo string
}

type fault struct {
	p *provider
	kind
}

// undo is what a revert needs: the record, and the lab in which it stands.
type undo struct {
	Dir    labdir.Dir     `json:"dir"`
	Lab    string         `json:"lab"`
	Record control.Record `json:"record"`
}

// Schema describes the attributes of the fault's block.
func (f *fault) Schema() sdk.Schema { return f.schema }

// Prepare writes the record that Inject will hand to the supervisor.
func (f *fault) Prepare(ctx context.Context, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	w, err := f.p.open(ctx)
	if errors.Is(err, labdir.ErrNoLab) {
		return sdk.Handle{}, []sdk.Problem{f.p.noLab()}, nil
	}
	if err != nil {
		return sdk.Handle{}, nil, err
	}
	defer w.Close()
	st, err := w.Status(ctx)
	if err != nil {
		return sdk.Handle{}, nil, fmt.Errorf("reading the lab: %w", err)
	}
	r := control.Record{ID: req.ID, Run: req.Run, Fault: f.name}
	if problems := f.takeTargets(req, w, &r); len(problems) > 0 {
		return sdk.Handle{}, problems, nil
	}
	effects, problems, err := f.plan(req, w, st, &r)
	if err != nil {
		return sdk.Handle{}, nil, err
	}
	problems = append(problems, held(r, st)...)
	h, err := handle(w, r, req.Targets)
	h.Effects, h.Steps = effects, steps(w, r, f.undo)
	return h, problems, err
}

func (f *fault) takeTargets(req sdk.Request, w *world, r *control.Record) []sdk.Problem {
	if len(req.Targets) == 0 {
		return []sdk.Problem{{Severity: sdk.Error, Path: []string{"targets"}, Summary: "The fault has no targets", Detail: "give it a target block of type " + f.target}}
	}
	var out []sdk.Problem
	for _, t := range req.Targets {
		switch {
		case t.Type != f.target:
			out = append(out, sdk.Problem{
				Severity: sdk.Error, Path: []string{"targets"},
				Summary: fmt.Sprintf("%s cannot touch a %s", f.name, t.Type), Detail: "give it a target block of type " + f.target,
			})
		case t.ID != w.lab.ID+"/"+t.Name:
			out = append(out, sdk.Problem{
				Severity: sdk.Error, Path: []string{"targets"},
				Summary: fmt.Sprintf("%s belongs to a lab that is gone", t.Name), Detail: "another lab has been started since: plan again",
			})
		}
		r.Targets = append(r.Targets, t.Name)
	}
	return out
}

// held finds faults that are there already, left by another run, and that this one would run into.
func held(r control.Record, st control.Status) []sdk.Problem {
	mine := map[string]bool{}
	for _, c := range control.Claims(r) {
		mine[c] = true
	}
	var out []sdk.Problem
	for _, o := range st.Faults {
		for _, c := range control.Claims(o) {
			if mine[c] && o.Run != r.Run {
				out = append(out, sdk.Problem{
					Severity: sdk.Error, Path: []string{"targets"}, Summary: fmt.Sprintf("%s: held already by %s of another run", c, o.ID),
					Detail: "undo that first: gameday lab heal " + o.Key(),
				})
			}
		}
	}
	return out
}

func handle(w *world, r control.Record, targets []sdk.Target) (sdk.Handle, error) {
	raw, err := json.Marshal(undo{Dir: w.dir, Lab: w.lab.ID, Record: r})
	if err != nil {
		return sdk.Handle{}, fmt.Errorf("writing the handle of %s: %w", r.ID, err)
	}
	return sdk.Handle{
		ID: strings.TrimPrefix(r.Key(), "/"), Run: r.Run, Plugin: "lab", Version: Version,
		Fault: r.Fault, Targets: targets, Undo: raw,
	}, nil
}

func steps(w *world, r control.Record, what string) []string {
	return []string{
		fmt.Sprintf("gameday lab heal%s %s   (%s)", dirFlag(w.dir), strings.TrimPrefix(r.Key(), "/"), what),
		fmt.Sprintf("or start over: gameday lab down%[1]s && gameday lab up%[1]s", dirFlag(w.dir)),
	}
}

// Inject hands the record to the supervisor, which keeps it on disk before it acts on it.
func (f *fault) Inject(ctx context.Context, h sdk.Handle) error {
	w, u, err := reach(ctx, h)
	if err != nil {
		return err
	}
	if w == nil {
		return fmt.Errorf("injecting %s: the lab that it was planned for is gone", h.ID)
	}
	defer w.Close()
	u.Record.Asked = time.Now()
	return w.Inject(ctx, u.Record)
}

// Inspect reads the lab. A lab that is gone has taken its faults with it.
func (f *fault) Inspect(ctx context.Context, h sdk.Handle) (sdk.State, error) {
	w, u, err := reach(ctx, h)
	if err != nil {
		return sdk.State{Status: sdk.Unknown}, err
	}
	if w == nil {
		return sdk.State{Status: sdk.Inactive, Evidence: fmt.Sprintf("the lab %s is gone, with all its processes", u.Lab)}, nil
	}
	defer w.Close()
	return f.inspect(ctx, w, u.Record)
}

// Revert asks the supervisor to heal the record and to wait until what it hurt works again.
func (f *fault) Revert(ctx context.Context, h sdk.Handle) error {
	w, u, err := reach(ctx, h)
	if err != nil || w == nil {
		return err
	}
	defer w.Close()
	return w.Heal(ctx, u.Record.Run, u.Record.ID)
}

// reach opens the lab in which a handle's fault stands. The world is nil when that lab is gone.
func reach(ctx context.Context, h sdk.Handle) (*world, undo, error) {
	var u undo
	if err := h.DecodeUndo(&u); err != nil {
		return nil, u, err
	}
	w, err := openDir(ctx, u.Dir)
	if errors.Is(err, labdir.ErrNoLab) {
		return nil, u, nil
	}
	if err == nil && w.lab.ID != u.Lab {
		w.Close()
		return nil, u, nil
	}
	return w, u, err
}
