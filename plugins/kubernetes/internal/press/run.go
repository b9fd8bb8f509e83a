package press

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk/pressure"
)

// The reasons for an end.
var (
	errLetGo  = errors.New("gameday has let go of it")
	errSilent = errors.New("gameday has not been heard of")
	errNever  = errors.New("gameday has never asked for it")
)

// Run waits for the first word, presses, and returns when gameday lets go, is silent for too long, or ctx ends. The error is the reason if it
// is not one of these. Memory that it takes is given back by the end of the process.
func (o Order) Run(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	words := listen(ctx, cancel, in)
	say := func(what string, why any) { _, _ = fmt.Fprintf(out, "%s %v\n", what, why) }
	say(Waiting, "for gameday to ask for "+o.String())
	err := o.press(ctx, cancel, words, func() { say(Pressing, "on "+o.String()) })
	if err == nil {
		err = context.Cause(ctx)
	}
	say(Ended, err)
	if errors.Is(err, errLetGo) || errors.Is(err, errSilent) || errors.Is(err, errNever) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// listen passes on that something was read, and lets the pressure end with what is to be read. It goes on until in ends, which may
// be with the process.
func listen(ctx context.Context, cancel context.CancelCauseFunc, in io.Reader) <-chan struct{} {
	words := make(chan struct{})
	go func() {
		b := make([]byte, 64)
		for {
			n, err := in.Read(b)
			if err != nil {
				cancel(errLetGo)
				return
			}
			if n == 0 {
				continue
			}
			select {
			case words <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return words
}

func (o Order) press(ctx context.Context, cancel context.CancelCauseFunc, words <-chan struct{}, pressing func()) error {
	select {
	case <-words:
	case <-ctx.Done():
		return nil
	case <-time.After(Patience):
		return errNever
	}
	silence := time.AfterFunc(Silence, func() { cancel(errSilent) })
	defer silence.Stop()
	held := make(chan error, 1)
	go func() { held <- o.hold(ctx, pressing) }()
	for {
		select {
		case <-words:
			silence.Reset(Silence)
		case err := <-held:
			return err
		}
	}
}

// hold presses until ctx ends.
func (o Order) hold(ctx context.Context, pressing func()) error {
	var memory pressure.Memory
	if o.Memory > 0 {
		if err := pressure.First(); err != nil {
			return err
		}
	}
	for memory.Bytes() < o.Memory && ctx.Err() == nil {
		if err := memory.Take(); err != nil {
			return err
		}
	}
	defer pressure.Cores(ctx, o.shares()...)()
	if ctx.Err() == nil {
		pressing()
	}
	<-ctx.Done()
	return nil
}
