package crash

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"syscall"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/example"
)

// The plugin is the example of the SDK, which takes files away. It dies when it is told to.
//
//	revert FILE   in the middle of a revert, which it leaves half done, until FILE is there; it makes FILE
//	inject FILE   the same, in the middle of an injection
//	recover FILE  in the middle of a revert, with its parent, which is recovering
//	slow FILE     an injection that stops in the middle and goes on only when its context ends
//	version V     it says that it has version V
type misdeed struct{ how, arg string }

func servePlugin(how string) {
	m := misdeed{}
	m.how, m.arg, _ = strings.Cut(how, " ")
	p := example.New()
	if m.how == "version" {
		p.Version = m.arg
	}
	for name, f := range p.Faults {
		p.Faults[name] = &dying{Fault: f, misdeed: m}
	}
	sdk.Serve(p)
}

type dying struct {
	sdk.Fault
	misdeed
}

func (d *dying) Inject(ctx context.Context, h sdk.Handle) error {
	if d.due("inject") {
		return d.die(d.Fault.Inject(ctx, half(h)))
	}
	if d.due("slow") {
		must(d.Fault.Inject(ctx, half(h)))
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return d.Fault.Inject(ctx, h)
}

func (d *dying) Revert(ctx context.Context, h sdk.Handle) error {
	switch {
	case d.due("recover"):
		must(d.Fault.Revert(ctx, half(h)))
		must(syscall.Kill(os.Getppid(), syscall.SIGKILL))
		return d.die(nil)
	case d.due("revert"):
		return d.die(d.Fault.Revert(ctx, half(h)))
	}
	return d.Fault.Revert(ctx, h)
}

// due says whether the time has come, once.
func (d *dying) due(how string) bool {
	if d.how != how {
		return false
	}
	f, err := os.OpenFile(d.arg, os.O_CREATE|os.O_EXCL, 0o600)
	return err == nil && f.Close() == nil
}

func (d *dying) die(err error) error {
	must(err)
	must(syscall.Kill(os.Getpid(), syscall.SIGKILL))
	select {} // for the signal
}

// half is the handle with the first of its files only.
func half(h sdk.Handle) sdk.Handle {
	var moves []json.RawMessage
	must(json.Unmarshal(h.Undo, &moves))
	undo, err := json.Marshal(moves[:1])
	must(err)
	h.Undo = undo
	return h
}
