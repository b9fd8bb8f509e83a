package orders

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// single is a store of one node, with the stream of orders on it.
func single(t *testing.T) *Store {
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	})
	require.NoError(t, err)
	ns.Start()
	require.True(t, ns.ReadyForConnections(10*time.Second))
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	s, err := Connect(ns.ClientURL(), "test", 500*time.Millisecond)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func withStream(t *testing.T) *Store {
	s := single(t)
	_, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: Stream, Subjects: []string{All}})
	require.NoError(t, err)
	return s
}

func put(t *testing.T, s *Store, run string, seq int64) {
	raw, err := json.Marshal(Record{Run: run, Seq: seq, Worker: 1, Time: "now"})
	require.NoError(t, err)
	_, err = s.Put(t.Context(), LedgerSubject(run), raw)
	require.NoError(t, err)
}

func seqs(t *testing.T, s *Store, run string, limit int) (got []int64, pages int) {
	for after := uint64(0); ; pages++ {
		page, err := s.Page(t.Context(), run, after, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Records), limit)
		for _, r := range page.Records {
			require.Equal(t, run, r.Run)
			got = append(got, r.Seq)
		}
		if page.Next == 0 {
			return got, pages + 1
		}
		require.Greater(t, page.Next, after)
		after = page.Next
	}
}

func TestALedgerIsReadBackInTheOrderOfTheStoreWithItsDuplicates(t *testing.T) {
	s := withStream(t)
	for _, seq := range []int64{1, 3, 2, 3} {
		put(t, s, "mine", seq)
		put(t, s, "another run", seq+100)
		_, err := s.Put(t.Context(), New, []byte("an order"))
		require.NoError(t, err)
	}
	got, pages := seqs(t, s, "mine", 100)
	require.Equal(t, []int64{1, 3, 2, 3}, got)
	require.Equal(t, 1, pages)
	got, pages = seqs(t, s, "mine", 2)
	require.Equal(t, []int64{1, 3, 2, 3}, got, "pages neither lose nor repeat")
	require.Equal(t, 2, pages)
	got, pages = seqs(t, s, "mine", 3)
	require.Equal(t, []int64{1, 3, 2, 3}, got)
	require.Equal(t, 2, pages)
	got, _ = seqs(t, s, "no such run", 10)
	require.Empty(t, got)
}

func TestReadingLeavesNoConsumerBehind(t *testing.T) {
	s := withStream(t)
	put(t, s, "r", 1)
	for range 5 {
		_, _ = seqs(t, s, "r", 10)
	}
	stream, err := s.js.Stream(t.Context(), Stream)
	require.NoError(t, err)
	require.Zero(t, stream.CachedInfo().State.Consumers)
}

func TestAMessageThatNobodyTakesIsSurelyNotStored(t *testing.T) {
	s := single(t)
	_, err := s.Put(t.Context(), New, nil)
	require.ErrorIs(t, err, ErrNotStored)
}

func TestARetryEndsWithItsContextAndSaysWhatItWaitedFor(t *testing.T) {
	s := single(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := s.WaitFor(ctx, "the mirror", func(*jetstream.StreamInfo) bool { return true })
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "waiting for the mirror")
}
