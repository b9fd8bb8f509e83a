package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const natsFetchWait = 2 * time.Second

// Read gives one page; the cursor is the stream's sequence number of its last message. Records of other runs on the same
// subject are passed over.
func (s *natsStore) Read(ctx context.Context, run, cursor string) (Page, error) {
	after := uint64(0)
	if cursor != "" {
		var err error
		if after, err = strconv.ParseUint(cursor, 10, 64); err != nil {
			return Page{}, &FinalError{fmt.Errorf("reading the cursor: %w", err)}
		}
	}
	js, err := s.read.jetStream()
	if err != nil {
		return Page{}, err
	}
	name := s.Stream
	if name == "" {
		if name, err = js.StreamNameBySubject(ctx, s.Subject); err != nil {
			return Page{}, fmt.Errorf("finding the stream of %s: %w", s.Subject, err)
		}
	}
	consumer, err := js.CreateConsumer(ctx, name, jetstream.ConsumerConfig{
		FilterSubject: s.Subject, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after + 1,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: 10 * time.Second,
	})
	if err != nil {
		return Page{}, fmt.Errorf("making a consumer of %s: %w", name, err)
	}
	info := consumer.CachedInfo()
	defer func() { _ = js.DeleteConsumer(ctx, name, info.Name) }() // it would end by itself
	if info.NumPending == 0 {
		return Page{}, nil
	}
	return fetch(consumer, run, int(min(info.NumPending, pageLimit)))
}

// fetch reads as many messages as are known to be there. Fewer is a shorter page; none is an error.
func fetch(consumer jetstream.Consumer, run string, count int) (Page, error) {
	batch, err := consumer.Fetch(count, jetstream.FetchMaxWait(natsFetchWait))
	if err != nil {
		return Page{}, fmt.Errorf("fetching: %w", err)
	}
	var page Page
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return Page{}, fmt.Errorf("reading a message: %w", err)
		}
		page.add(m.Data(), run, meta.Sequence.Stream)
		page.Next = strconv.FormatUint(meta.Sequence.Stream, 10)
		if meta.NumPending == 0 {
			page.Next = ""
			return page, nil
		}
	}
	if page.Next == "" {
		return Page{}, errors.Join(errors.New("fetching: no message came"), batch.Error())
	}
	return page, nil
}

func (p *Page) add(data []byte, run string, seq uint64) {
	e, err := decodeEntry(data)
	switch {
	case err != nil:
		p.Strange = append(p.Strange, fmt.Sprintf("message %d is not a record: %s", seq, clip(string(data))))
	case e.Run == run:
		p.Entries = append(p.Entries, e)
	}
}
