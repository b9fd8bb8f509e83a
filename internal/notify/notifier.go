package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Sender tells one thing to one place. It returns when it is told, or cannot be.
type Sender interface {
	Send(context.Context, News) error
}

// Block is one notify block.
type Block struct {
	Addr   string
	On     []string
	Sender Sender
}

// backlog is how many news may wait for a slow receiver.
const backlog = 8

// Notifier tells the news to all blocks that want them, each in its order. Nobody waits for it but Close.
type Notifier struct {
	ctx     context.Context
	cancel  context.CancelFunc
	blocks  []Block
	queues  []chan News
	done    sync.WaitGroup
	trouble func(error)
}

// New starts one worker for each block. trouble is called from any of them.
func New(ctx context.Context, blocks []Block, trouble func(error)) *Notifier {
	n := &Notifier{blocks: blocks, trouble: trouble}
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(ctx)) // the end of a run is told also when it was interrupted
	for _, b := range blocks {
		q := make(chan News, backlog)
		n.queues = append(n.queues, q)
		n.done.Go(func() { n.work(b, q) })
	}
	return n
}

func (n *Notifier) work(b Block, q <-chan News) {
	for news := range q {
		if err := b.Sender.Send(n.ctx, news); err != nil {
			if n.ctx.Err() != nil {
				err = late(err)
			}
			n.trouble(fmt.Errorf("%s: telling the %s: %w", b.Addr, news.Moment, err))
		}
	}
}

// late is why something could not be told in the time there was: what the receiver said at last, if it said anything.
func late(last error) error {
	if errors.Is(last, context.Canceled) {
		return errors.New("there was no answer in time")
	}
	return fmt.Errorf("time is out: %w", last)
}

// Tell returns at once.
func (n *Notifier) Tell(news News) {
	for i, b := range n.blocks {
		if !slices.Contains(b.On, string(news.Moment)) {
			continue
		}
		select {
		case n.queues[i] <- news:
		default:
			n.trouble(fmt.Errorf("%s: telling the %s: too much is waiting to be told already", b.Addr, news.Moment))
		}
	}
}

// Close waits until everything is told, or ctx ends. Nothing may be told afterwards.
func (n *Notifier) Close(ctx context.Context) {
	for _, q := range n.queues {
		close(q)
	}
	stop := context.AfterFunc(ctx, n.cancel)
	n.done.Wait()
	stop()
	n.cancel()
}
