package orders

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The stream and its subjects.
const (
	Stream   = "ORDERS"
	All      = "orders.>"
	New      = "orders.new"
	Canary   = "orders.canary"
	replicas = 3
)

// Bounds of the stream, so that a forgotten lab does not grow for ever.
const (
	maxAge   = 24 * time.Hour
	maxBytes = 256 << 20
)

// LedgerSubject is where the records of a run are stored. The run's ID is encoded, because a subject has rules.
func LedgerSubject(run string) string {
	return "orders.ledger." + base64.RawURLEncoding.EncodeToString([]byte(run))
}

// Record is one record of a ledger.
type Record struct {
	Run    string `json:"run"`
	Seq    int64  `json:"seq"`
	Worker int64  `json:"worker"`
	Time   string `json:"time"`
}

// Page is part of a ledger, in the order of the store. Next is where the following page starts; zero at the end.
type Page struct {
	Records []Record `json:"records"`
	Next    uint64   `json:"next,omitempty"`
}

// Store is one region's store, over one connection.
type Store struct {
	nc *nats.Conn
	js jetstream.JetStream
}

// Connect joins the store. The connection is kept for ever: it comes back by itself. Ping is how often it is checked;
// two checks without an answer end it, and with NATS' own default of two minutes a frozen node hangs its clients for
// longer than most outages last.
func Connect(urls, name string, ping time.Duration, extra ...nats.Option) (*Store, error) {
	opts := append([]nats.Option{
		nats.Name(name), nats.PingInterval(ping), nats.MaxPingsOutstanding(2),
		nats.ReconnectWait(50 * time.Millisecond), nats.ReconnectJitter(20*time.Millisecond, 0),
		nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.Timeout(500 * time.Millisecond),
		nats.ReconnectBufSize(-1), // a write while disconnected fails at once, rather than being sent by surprise later
	}, extra...)
	nc, err := nats.Connect(urls, opts...)
	if err != nil {
		return nil, fmt.Errorf("connecting to the store: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("connecting to the store: %w", err)
	}
	return &Store{nc: nc, js: js}, nil
}

// Close ends the connection.
func (s *Store) Close() { s.nc.Close() }

// Connected says whether the connection is up.
func (s *Store) Connected() bool { return s.nc.IsConnected() }

// Put stores one message and returns its sequence number once a majority of the zones has it. Any error but
// ErrNotStored leaves open whether it was stored.
func (s *Store) Put(ctx context.Context, subject string, data []byte) (uint64, error) {
	ack, err := s.js.Publish(ctx, subject, data, jetstream.WithRetryAttempts(0), jetstream.WithExpectStream(Stream))
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, nats.ErrReconnectBufExceeded) {
		return 0, fmt.Errorf("%w: %w", ErrNotStored, err)
	}
	if err != nil {
		return 0, fmt.Errorf("storing a message: %w", err)
	}
	return ack.Sequence, nil
}

// ErrNotStored means that nobody took the message: it is surely not stored.
var ErrNotStored = errors.New("no stream takes the message")

// Page reads at most limit records of a run that were stored after a sequence number. What it returns is what the
// stream's leader confirms: a replica that lags can shorten a page, never the ledger.
func (s *Store) Page(ctx context.Context, run string, after uint64, limit int) (Page, error) {
	subject := LedgerSubject(run)
	stream, err := s.js.Stream(ctx, Stream)
	if err != nil {
		return Page{}, fmt.Errorf("reading the ledger: %w", err)
	}
	page := Page{Records: []Record{}}
	last, err := s.fetch(ctx, stream, subject, after, limit, &page)
	if err != nil {
		return Page{}, err
	}
	_, err = stream.GetMsg(ctx, last+1, jetstream.WithGetMsgSubject(subject))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return page, nil
	case err != nil:
		return Page{}, fmt.Errorf("reading the ledger: %w", err)
	}
	page.Next = last
	return page, nil
}

func (s *Store) fetch(
	ctx context.Context, stream jetstream.Stream, subject string, after uint64, limit int, page *Page,
) (uint64, error) {
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject: subject, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after + 1,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: 10 * time.Second,
	})
	if err != nil {
		return after, fmt.Errorf("reading the ledger: %w", err)
	}
	defer func() { _ = stream.DeleteConsumer(context.WithoutCancel(ctx), consumer.CachedInfo().Name) }()
	batch, err := consumer.FetchNoWait(limit)
	if err != nil {
		return after, fmt.Errorf("reading the ledger: %w", err)
	}
	last := after
	for msg := range batch.Messages() {
		meta, err := msg.Metadata()
		if err != nil {
			return last, fmt.Errorf("reading the ledger: %w", err)
		}
		var r Record
		if err := json.Unmarshal(msg.Data(), &r); err != nil {
			return last, fmt.Errorf("reading record %d of the ledger: %w", meta.Sequence.Stream, err)
		}
		page.Records, last = append(page.Records, r), meta.Sequence.Stream
	}
	if err := batch.Error(); err != nil {
		return last, fmt.Errorf("reading the ledger: %w", err)
	}
	return last, nil
}
