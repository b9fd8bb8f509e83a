package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/notify"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// tellTime is how long the end of a run waits for those who are told of it.
const tellTime = 15 * time.Second

// teller passes on what the engine does, and tells those who want to know of an abort.
type teller struct {
	engine.Observer
	r *runner
}

// Entry implements engine.Observer.
func (t *teller) Entry(at time.Duration, kind journal.Kind, body any) {
	t.Observer.Entry(at, kind, body)
	if b, ok := body.(journal.AbortBody); ok {
		news := wiring.NewsOf(t.r.plan, t.r.started(), notify.Abort)
		news.Reason = plan.Redact(b.Reason, t.r.plan.Secrets)
		t.r.tell.Tell(news)
	}
}

// tellBroken tells the end of a run of which nothing can be read any more.
func (r *runner) tellBroken(why error) {
	news, exit := wiring.NewsOf(r.plan, r.started(), notify.End), ExitBroken
	news.Headline, news.Why, news.Exit = "leaked", plan.Redact(why.Error(), r.plan.Secrets), &exit
	r.tell.Tell(news)
}

// untold says that somebody could not be told. It changes nothing else.
func (r *runner) untold(err error) {
	fmt.Fprintf(r.err, "gameday: %s%s\n", r.paint(yellow, "warning: "), plan.Redact(err.Error(), r.plan.Secrets))
}

// told waits until everybody is told, or time is out.
func (r *runner) told(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
	defer cancel()
	r.tell.Close(ctx)
}
