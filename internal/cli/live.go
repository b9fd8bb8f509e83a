package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/live"
)

// liveFlags say where a live page listens. Who else than this machine may open it has to be said.
type liveFlags struct {
	addr   string
	public bool
	names  []string
}

func (o *liveFlags) add(f *pflag.FlagSet, name, value, what string) {
	f.StringVar(&o.addr, name, value, what+" on this `address`, host:port; :8080 is this machine only")
	f.BoolVar(&o.public, name+"-public", false, "let others than this machine open the live page; it is plain HTTP, so put TLS before it on any network that you do not trust")
	f.StringSliceVar(&o.names, name+"-name", nil, "a `name` by which people reach the live page, beside the host of its address; may be repeated")
}

func (o *liveFlags) listen(flag string) (live.Address, net.Listener, error) {
	addr, err := live.ParseAddress(o.addr, o.public, o.names)
	if errors.Is(err, live.ErrNotLoopback) {
		err = hint(err, "add -"+flag+"-public if they may, or leave the host out: -"+flag+" :"+addr.Port)
	}
	if err != nil {
		return addr, nil, err
	}
	l, err := addr.Listen()
	return addr, l, err
}

// livePage is the page of the run that this process carries out: what the room sees, and what the room may do.
type livePage struct {
	signals *signals
	addr    live.Address
	port    net.Listener
	access  live.Access
	room    *live.Room
	guards  atomic.Pointer[[]live.Guard]
	notes   chan<- journal.NoteBody
	over    chan struct{} // closed when the engine takes no notes any more

	mu    sync.Mutex
	turns map[string]chan<- acknowledged // manual steps that wait, by address

	typing sync.WaitGroup // questions at the terminal

	end  context.CancelFunc
	done chan error
}

type acknowledged struct{ by, answer string }

// openPage takes the port before anything else is done: one that is in use must not stop a game day half-way.
func (r *runner) openPage() error {
	if r.flags.live.addr == "" {
		return nil
	}
	addr, port, err := r.flags.live.listen("live")
	if err != nil {
		return fmt.Errorf("%w; nothing was touched", err)
	}
	r.page = &livePage{
		signals: r.signals, addr: addr, port: port, access: live.NewAccess(true), over: make(chan struct{}), turns: map[string]chan<- acknowledged{},
	}
	return nil
}

// attach joins the page to an engine, tells where it is, and begins to serve.
func (p *livePage) attach(ctx context.Context, c *engine.Config, dir journal.RunDir, notes chan<- journal.NoteBody, show screen) {
	if p == nil {
		return
	}
	p.notes, c.Observer = notes, &present{c.Observer, p}
	p.room = live.NewRoom(dir.Journal(), p.present, nil)
	s := &live.Server{Address: p.addr, Access: p.access, Room: p.room, Control: p}
	ctx, p.end = context.WithCancel(context.WithoutCancel(ctx))
	p.done = make(chan error, 1)
	url := p.addr.URL(p.port)
	show.Say("Live page, with control: " + live.Link(url, p.access.Control))
	show.Say("For guests, who only look: " + live.Link(url, p.access.Guest))
	if p.addr.Host == "" {
		show.Say("Only this machine can open it. For others: -live HOST:PORT -live-public")
	}
	go func() { p.done <- s.Serve(ctx, p.port) }()
}

// stopped tells the page that the engine has ended.
func (p *livePage) stopped() {
	if p != nil {
		close(p.over)
		p.typing.Wait()
	}
}

// conclude shows what came of the run to everybody who still watches.
func (p *livePage) conclude(j *wiring.Judged) {
	if p != nil && p.room != nil {
		p.room.Conclude(verdictOf(j))
	}
}

func verdictOf(j *wiring.Judged) live.Verdict {
	word := j.Headline()
	return live.Verdict{Word: strings.ToUpper(word[:1]) + word[1:], Why: j.Result.Why, Exit: j.Result.Exit}
}

// close ends the page. A page that could not be served is said, and changes nothing about the run.
func (p *livePage) close() error {
	switch {
	case p == nil:
		return nil
	case p.end == nil:
		return p.port.Close()
	}
	p.end()
	return <-p.done
}

// present hands on what happens, and keeps the last of what only the engine knows.
type present struct {
	engine.Observer
	page *livePage
}

// Live takes the present state.
func (o *present) Live(s engine.Snapshot) {
	gs := make([]live.Guard, 0, len(s.Guards))
	for _, g := range s.Guards {
		gs = append(gs, live.Guard(g))
	}
	o.page.guards.Store(&gs)
	o.Observer.Live(s)
}

func (p *livePage) present() []live.Guard {
	if gs := p.guards.Load(); gs != nil {
		return *gs
	}
	return nil
}

var errOver = errors.New("the run is over")

// Note implements live.Control. It returns when the engine has the note.
func (p *livePage) Note(ctx context.Context, by, text string) error {
	ctx, cancel := context.WithTimeout(ctx, noteTime)
	defer cancel()
	select {
	case p.notes <- journal.NoteBody{Author: by, Text: text}:
		return nil
	case <-p.over:
		return errOver
	case <-ctx.Done():
		return errors.New("the run did not take the note in time")
	}
}

// noteTime is what the engine has to take a note: it looks many times a second.
const noteTime = 5 * time.Second

// Abort implements live.Control: what Ctrl-C does the first time, and never what it does the second time.
func (p *livePage) Abort(by, reason string) error {
	stop := engine.Stop{By: "person", Reason: strings.TrimSuffix("aborted on the live page by "+by+": "+reason, ": "), Once: true}
	if !p.signals.once(stop) {
		return errors.New("the run is being aborted already, or is over")
	}
	return nil
}

// Acknowledge implements live.Control.
func (p *livePage) Acknowledge(addr, by, answer string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	turn, ok := p.turns[addr]
	if !ok {
		return errors.New("nothing waits for that any more")
	}
	delete(p.turns, addr)
	turn <- acknowledged{by, answer} // there is room for one
	return nil
}

// turn puts a manual step on the page.
func (p *livePage) turn(addr string) (<-chan acknowledged, func()) {
	c := make(chan acknowledged, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turns[addr] = c
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.turns, addr)
	}
}

// asker asks on the page and, where there is one, on the terminal: whichever answers first is who did it.
func (p *livePage) asker(terminal wiring.Ask, show screen) wiring.Ask {
	return func(ctx context.Context, addr, title, instruction string) (string, string, error) {
		turn, end := p.turn(addr)
		defer end()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		here := make(chan acknowledged, 1)
		if terminal == nil {
			show.Say(fmt.Sprintf("YOUR TURN, on the live page: %s: %s", cmp.Or(title, addr), instruction))
		} else {
			p.typing.Go(func() { // nobody waits for it here: the time of the answer counts
				// Where nothing can be read any more, the page is still there.
				if by, answer, err := terminal(ctx, addr, title, instruction); err == nil {
					here <- acknowledged{by, answer}
				}
			})
		}
		select {
		case a := <-turn:
			return a.by, a.answer, nil
		case a := <-here:
			return a.by, a.answer, nil
		case <-ctx.Done():
			return "", "", context.Cause(ctx)
		}
	}
}
