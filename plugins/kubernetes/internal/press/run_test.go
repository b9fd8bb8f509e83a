package press

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// process is one that runs in a bubble of its own time, as in a container whose standard input is in.
type process struct {
	t    *testing.T
	in   *io.PipeWriter
	stop func()
	over chan error

	mu   sync.Mutex
	said []string
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, strings.TrimSpace(string(b)))
	return len(b), nil
}

// says checks the last line.
func (p *process) says(words ...string) {
	p.t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Equal(p.t, strings.Join(words, " "), p.said[len(p.said)-1])
}

func (p *process) word() {
	p.t.Helper()
	_, err := io.WriteString(p.in, Go)
	require.NoError(p.t, err)
}

// run runs fn on a process, which has to end by itself then.
func run(t *testing.T, o Order, fn func(p *process)) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		ctx, stop := context.WithCancel(t.Context())
		p := &process{t: t, in: w, stop: stop, over: make(chan error, 1)}
		defer func() { require.NoError(t, w.Close()) }()
		defer stop()
		go func() { p.over <- o.Run(ctx, r, p) }()
		p.says(Waiting, "for gameday to ask for "+o.String())
		fn(p)
		require.NoError(t, <-p.over)
	})
}

func TestItPressesUntilGamedayLetsGo(t *testing.T) {
	run(t, Order{Memory: 1}, func(p *process) {
		p.word()
		p.says(Pressing, "on 1 bytes of memory")
		for range 100 {
			time.Sleep(Beat)
			p.word()
		}
		p.says(Pressing, "on 1 bytes of memory")
		require.NoError(t, p.in.Close())
		p.says(Ended, errLetGo.Error())
	})
}

func TestItEndsInSilence(t *testing.T) {
	run(t, Order{}, func(p *process) {
		p.word()
		time.Sleep(Silence - time.Second)
		p.word()
		time.Sleep(Silence - time.Second)
		p.says(Pressing, "on 0 processors")
		time.Sleep(time.Second)
		p.says(Ended, errSilent.Error())
	})
}

func TestItDoesNothingUntilItIsAsked(t *testing.T) {
	run(t, Order{}, func(p *process) {
		time.Sleep(Patience)
		p.says(Ended, errNever.Error())
	})
}

func TestItEndsWithItsPod(t *testing.T) {
	run(t, Order{}, func(p *process) {
		p.word()
		p.says(Pressing, "on 0 processors")
		p.stop()
		p.says(Ended, context.Canceled.Error())
	})
}

func TestAPartOfAProcessor(t *testing.T) {
	require.Equal(t, []float64{1, 1, 0.5}, Order{CPU: 2.5}.shares())
	require.Equal(t, []string{"pressure", "-cpu", "0.25", "-memory", "268435456"}, Order{CPU: 0.25, Memory: 256 << 20}.Args())
}
