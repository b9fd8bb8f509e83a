package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/runner"
)

const (
	lookTimeout  = 500 * time.Millisecond
	syncTimeout  = 40 * time.Second
	drainTimeout = 5 * time.Second
	moveTimeout  = 10 * time.Second
	// settleTime is what a mirror gets to catch up by itself.
	settleTime = 2 * time.Second
	// electionTimeout is longer than the store needs to elect a leader: 4 to 9 s.
	electionTimeout = 10 * time.Second
)

// move carries the service to a region and returns when users are served there.
func (s *Supervisor) move(ctx context.Context, to string) (control.FailoverResult, error) {
	if !s.moving.TryLock() {
		return control.FailoverResult{}, errors.New("another failover is under way")
	}
	defer s.moving.Unlock()
	if !s.quorum(to) {
		return control.FailoverResult{}, fmt.Errorf("%s is down: undo its outage first", to)
	}
	began := time.Now()
	from := layout.Other(to)
	result := control.FailoverResult{From: from, To: to, Behind: -1}
	if s.role.current().Active == to {
		result.Summary = to + " takes the orders already"
		return result, s.finishMove(ctx, from, to)
	}
	err := s.takeOver(ctx, from, to, &result)
	if err == nil {
		err = s.finishMove(ctx, from, to)
	}
	if err != nil {
		return result, fmt.Errorf("moving the service to %s: %w", to, err)
	}
	result.Took = time.Since(began)
	result.Summary = fmt.Sprintf("%s takes the orders now, after %.1f s; %s", to, result.Took.Seconds(), lossNote(result))
	s.note(control.Noticed, "failover", to, result.Summary)
	return result, nil
}

func lossNote(r control.FailoverResult) string {
	switch {
	case r.Planned:
		return "nothing was behind"
	case r.Behind < 0:
		return r.From + " could not say how far the mirror was behind"
	}
	return fmt.Sprintf("the mirror was %d messages behind", r.Behind)
}

// takeOver makes the stream of a region take orders. Where the old region still answers, it is fenced and drained
// first, and nothing is lost; where it does not, whatever the mirror has not got is lost.
func (s *Supervisor) takeOver(ctx context.Context, from, to string, result *control.FailoverResult) error {
	old, oldErr := s.await(ctx, from)
	target, err := s.await(ctx, to)
	if err != nil {
		return err
	}
	if target.Config.Mirror == nil {
		if oldErr != nil {
			return fmt.Errorf("%s has orders that %s has not seen, and %s does not answer: %w", from, to, from, oldErr)
		}
		if err := s.rebuild(ctx, to, from); err != nil {
			return err
		}
	}
	if oldErr == nil && !s.linkCut() {
		result.Planned, result.Behind = true, 0
		return s.switchOver(ctx, from, to)
	}
	if oldErr == nil {
		result.Behind = int64(old.State.LastSeq) - int64(target.State.LastSeq)
	}
	_ = s.fence(ctx) // whoever does not hear it is out of reach, as the region is
	return s.promote(ctx, to)
}

// look reads a region's stream, without waiting for one that is dead.
func (s *Supervisor) look(ctx context.Context, region string) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return s.stores[region].Info(ctx)
}

// await reads a region's stream, and waits out an election where the faults leave the region a quorum.
func (s *Supervisor) await(ctx context.Context, region string) (*jetstream.StreamInfo, error) {
	if !s.quorum(region) {
		return s.look(ctx, region)
	}
	ctx, cancel := context.WithTimeout(ctx, electionTimeout)
	defer cancel()
	var info *jetstream.StreamInfo
	err := s.stores[region].WaitFor(ctx, region+" to answer", func(i *jetstream.StreamInfo) bool {
		info = i
		return true
	})
	return info, err
}

// rebuild makes a region a mirror of the other, whatever it held before, and waits until it has nearly all.
func (s *Supervisor) rebuild(ctx context.Context, region, of string) error {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	if err := s.stores[region].Drop(ctx); err != nil {
		return err
	}
	if err := s.stores[region].CreateMirror(ctx, region, of); err != nil {
		return err
	}
	s.note(control.Noticed, "failover", region, region+" is being rebuilt as a mirror of "+of)
	return s.settleMirror(ctx, region, of)
}

// settleMirror waits until a mirror has what its origin has. A mirror that has lost its origin looks for it again only
// after 10 to 20 seconds; a new leader looks at once, so a mirror that does not catch up by itself is given one.
func (s *Supervisor) settleMirror(ctx context.Context, region, of string) error {
	for {
		soon, cancel := context.WithTimeout(ctx, settleTime)
		err := s.catchUp(soon, region, of)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		// There may be no leader to step down just now; then the next one will do.
		_ = s.stores[region].StepDown(ctx)
	}
}

// catchUp waits until a mirror has all that its origin has at this moment.
func (s *Supervisor) catchUp(ctx context.Context, region, of string) error {
	var want uint64
	err := s.stores[of].WaitFor(ctx, of+" to answer", func(i *jetstream.StreamInfo) bool {
		want = i.State.LastSeq
		return true
	})
	if err != nil {
		return err
	}
	return s.stores[region].WaitFor(ctx, "the mirror to catch up", func(i *jetstream.StreamInfo) bool {
		return i.State.LastSeq >= want
	})
}

// switchOver moves without loss: the mirror catches up while orders still come in, then the old region is fenced, the
// rest is drained, and the new one takes over. If the rest cannot be drained in time the old region goes on.
func (s *Supervisor) switchOver(ctx context.Context, from, to string) error {
	sync, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	if err := s.settleMirror(sync, to, from); err != nil {
		return err
	}
	drain, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	err := s.fence(drain)
	if err == nil {
		err = s.stores[from].Fence(drain, from)
	}
	if err == nil {
		err = s.catchUp(drain, to, from)
	}
	if err != nil {
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), moveTimeout)
		defer cancel()
		err = errors.Join(err, s.stores[from].Promote(back, from))
		s.role.set(from)
		return err
	}
	return s.promote(ctx, to)
}

// fence makes every instance refuse orders, and waits until those that can hear have heard.
func (s *Supervisor) fence(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	role := s.role.set("")
	if !s.role.confirmed(ctx, role.Version, s.hearing()) {
		return errors.New("not every instance has confirmed that it takes no more orders")
	}
	return nil
}

// hearing are the instances that run and are not held by a fault.
func (s *Supervisor) hearing() []string {
	var out []string
	views := s.runner.Views()
	for _, region := range layout.Regions() {
		for _, i := range s.listInstances(region) {
			if v, ok := views[i.Name]; ok && v.State == runner.Running && !v.Held {
				out = append(out, i.Name)
			}
		}
	}
	return out
}

func (s *Supervisor) promote(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeout(ctx, moveTimeout)
	defer cancel()
	if err := s.stores[to].Promote(ctx, to); err != nil {
		return err
	}
	s.role.set(to)
	s.failover.SetPrimary(to)
	s.note(control.Noticed, "failover", to, "the mirror in "+to+" was promoted")
	return nil
}

// finishMove waits until users are served by the region, and gives it a mirror again if the other region answers.
func (s *Supervisor) finishMove(ctx context.Context, from, to string) error {
	wait, cancel := context.WithTimeout(ctx, moveTimeout)
	defer cancel()
	s.failover.SetPrimary(to)
	err := s.poll(wait, to+" to serve", func(ctx context.Context) error {
		if active := s.failover.Active(); active != to {
			return fmt.Errorf("DNS still points to %s", active)
		}
		return s.checkRegion(ctx, to)
	})
	if err != nil {
		return err
	}
	info, err := s.look(ctx, from)
	if s.linkCut() || !mayRebuild(info, err) {
		return nil
	}
	return s.rebuild(ctx, from, to)
}

// mayRebuild says whether the region that has handed over can become a mirror: it was drained, or an earlier attempt has
// got stuck half-way. A region that died may hold the last copy of something, so only a failback rebuilds it.
func mayRebuild(info *jetstream.StreamInfo, err error) bool {
	if err != nil {
		return errors.Is(err, jetstream.ErrStreamNotFound)
	}
	return info.Config.Mirror == nil && fenced(info)
}

// fenced says whether a planned move has drained the stream: then all that it holds is in the other region as well.
func fenced(i *jetstream.StreamInfo) bool {
	return len(i.Config.Subjects) == 1 && i.Config.Subjects[0] == "fenced.orders.>"
}
