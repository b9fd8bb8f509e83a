package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// kind is what sets one fault of the host apart from the others. U is all that its revert needs to know of one target.
// To add a fault, describe it in a file like the ones beside this, and name it in New.
type kind[U any] struct {
	name   string
	schema sdk.Schema
	// targets are the types of target that the fault takes.
	targets []string
	// exclusive says that a target has room for one such fault: the second would remember the first as the normal state.
	exclusive bool
	// plan reads one target. It changes nothing.
	plan    func(context.Context, *provider, sdk.Request, sdk.Target) (plan[U], []sdk.Problem, error)
	inject  func(context.Context, *provider, sdk.Handle, U) error
	inspect func(context.Context, *provider, sdk.Handle, U) (sdk.State, error)
	// revert undoes one target. It returns when the kernel shows it.
	revert func(context.Context, *provider, sdk.Handle, U) error
}

// plan is what will be done to one target, for the revert and for people.
type plan[U any] struct {
	undo    U
	effects []string
	steps   []string
}

type fault[U any] struct {
	p *provider
	kind[U]
}

// undo is what is in a handle. Nothing that this plugin does to a kernel outlives it, so what was done in another boot
// of the machine is undone.
type undo[U any] struct {
	Boot  string `json:"boot"`
	Items []U    `json:"items"`
}

// Schema describes the attributes of the fault's block.
func (f *fault[U]) Schema() sdk.Schema { return f.schema }

// Prepare reads the targets.
func (f *fault[U]) Prepare(ctx context.Context, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	problems, err := f.check(req)
	if err != nil || len(problems) > 0 {
		return sdk.Handle{}, problems, err
	}
	u := undo[U]{Boot: f.p.boot}
	var h sdk.Handle
	for _, t := range req.Targets {
		one, found, err := f.plan(ctx, f.p, req, t)
		if err != nil {
			return sdk.Handle{}, nil, fmt.Errorf("reading %s: %w", t.Name, err)
		}
		problems = append(problems, found...)
		u.Items = append(u.Items, one.undo)
		h.Effects = append(h.Effects, one.effects...)
		h.Steps = append(h.Steps, one.steps...)
	}
	if h.Undo, err = json.Marshal(u); err != nil {
		return sdk.Handle{}, nil, fmt.Errorf("writing the handle of %s: %w", req.ID, err)
	}
	return h, problems, nil
}

// check finds what is wrong with the targets, whatever the fault.
func (f *fault[U]) check(req sdk.Request) ([]sdk.Problem, error) {
	want := strings.Join(f.targets, " or ")
	if len(req.Targets) == 0 {
		return []sdk.Problem{problem("targets", "The fault has no targets", "Give it a target block of type "+want+".")}, nil
	}
	out := f.markable()
	for _, t := range req.Targets {
		if !slices.Contains(f.targets, t.Type) {
			out = append(out, problem("targets", fmt.Sprintf("%s cannot touch a %s", f.name, t.Type), "Give it a target block of type "+want+"."))
		}
	}
	if !f.exclusive || len(out) > 0 {
		return out, nil
	}
	held, err := f.held(req)
	return append(out, held...), err
}

// markable says what would keep Inject from marking the fault.
func (f *fault[U]) markable() []sdk.Problem {
	if err := f.p.marks.Writable(); err != nil {
		return []sdk.Problem{lacking(f.name, "write "+f.p.marks.Dir(), err.Error()+". Each fault that stands has a file there: set marks_dir in the plugin's block to a folder of your own.")}
	}
	return nil
}

// held finds the faults of the same kind that stand on one of the targets.
func (f *fault[U]) held(req sdk.Request) ([]sdk.Problem, error) {
	marked, err := f.p.marks.All()
	if err != nil {
		return nil, err
	}
	var out []sdk.Problem
	for _, h := range marked {
		var u undo[U]
		if h.Fault != f.name || h.ID == strings.TrimPrefix(req.Run+"/"+req.ID, "/") || h.DecodeUndo(&u) != nil || u.Boot != f.p.boot {
			continue
		}
		for _, t := range req.Targets {
			if slices.ContainsFunc(h.Targets, func(o sdk.Target) bool { return o.ID == t.ID }) {
				out = append(out, problem("targets", fmt.Sprintf("%s is held already by %s", t.Name, h.ID),
					"Undo that first, with gameday recover or gameday sweep."))
			}
		}
	}
	return out, nil
}

// Inject marks the fault and makes it.
func (f *fault[U]) Inject(ctx context.Context, h sdk.Handle) error {
	u, stands, err := f.read(h)
	if err != nil {
		return err
	}
	if !stands {
		return errors.New("the machine has been started again since the plan was made: plan again")
	}
	// A call that its caller has given up may begin after the Revert that followed it: then not even a mark is made.
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := f.p.marks.Put(h); err != nil {
		return err
	}
	for i, one := range u.Items {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := f.inject(ctx, f.p, h, one); err != nil {
			return fmt.Errorf("%s: %w", nameOf(h, i), err)
		}
	}
	return nil
}

// Inspect asks the kernel about every target. The fault is active if it is on all of them, and inactive if on none.
func (f *fault[U]) Inspect(ctx context.Context, h sdk.Handle) (sdk.State, error) {
	u, stands, err := f.read(h)
	if err != nil {
		return sdk.State{Status: sdk.Unknown}, err
	}
	if !stands {
		return sdk.State{Status: sdk.Inactive, Evidence: "the machine has been started again since, and the fault did not outlive that"}, nil
	}
	var seen []sdk.State
	for i, one := range u.Items {
		state, err := f.inspect(ctx, f.p, h, one)
		if err != nil {
			return sdk.State{Status: sdk.Unknown}, fmt.Errorf("looking at %s: %w", nameOf(h, i), err)
		}
		seen = append(seen, state)
	}
	return combine(seen), nil
}

// combine is what several targets say together. Disagreement proves nothing.
func combine(states []sdk.State) sdk.State {
	var out sdk.State
	var evidence []string
	for i, s := range states {
		if i == 0 {
			out.Status = s.Status
		}
		if s.Status != out.Status {
			out.Status = sdk.Unknown
		}
		evidence = append(evidence, s.Evidence)
	}
	out.Evidence = strings.Join(evidence, "; ")
	return out
}

// Revert undoes every target, last first, and takes the mark away when all are undone.
func (f *fault[U]) Revert(ctx context.Context, h sdk.Handle) error {
	u, stands, err := f.read(h)
	if err != nil {
		return err
	}
	var errs []error
	for i, one := range slices.Backward(u.Items) {
		if !stands {
			break
		}
		if err := f.revert(ctx, f.p, h, one); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", nameOf(h, i), err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	return f.p.marks.Drop(h.ID)
}

// read opens the handle, and says whether it is about this boot of the machine.
func (f *fault[U]) read(h sdk.Handle) (undo[U], bool, error) {
	var u undo[U]
	if err := h.DecodeUndo(&u); err != nil {
		return u, false, err
	}
	return u, u.Boot == f.p.boot, nil
}

func nameOf(h sdk.Handle, i int) string {
	if i < len(h.Targets) {
		return h.Targets[i].Name
	}
	return h.ID
}

func problem(path, summary, detail string) sdk.Problem {
	out := sdk.Problem{Severity: sdk.Error, Summary: summary, Detail: detail}
	if path != "" {
		out.Path = strings.Split(path, ".")
	}
	return out
}

func inactive(format string, args ...any) sdk.State {
	return sdk.State{Status: sdk.Inactive, Evidence: fmt.Sprintf(format, args...)}
}

func active(format string, args ...any) sdk.State {
	return sdk.State{Status: sdk.Active, Evidence: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) sdk.State {
	return sdk.State{Status: sdk.Unknown, Evidence: fmt.Sprintf(format, args...)}
}
