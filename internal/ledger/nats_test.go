package ledger

import (
	"context"
	"net"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

func startNATS(t *testing.T, dir string, port int) *natsserver.Server {
	s, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(10*time.Second))
	return s
}

func TestNATSLedger(t *testing.T) {
	dir := t.TempDir()
	server := startNATS(t, dir, -1)
	nc, err := nats.Connect(server.ClientURL())
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	store := newStore(t, "nats", values{"urls": []string{server.ClientURL()}, "subject": "ledger.orders"})
	once := func() (record.Outcome, string) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return store.Write(ctx, Entry{Run: "r1", Seq: 0, Time: time.Now()})
	}
	o, detail := once()
	require.Equal(t, record.Fail, o, "no stream stores the subject: %s", detail)
	_, err = Read(brief(t), store, ReadBackOptions{Run: "r1", Attempted: 1, Retry: time.Millisecond})
	require.ErrorContains(t, err, "ledger.orders", "no stream is no empty ledger")

	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"ledger.>"}, Storage: jetstream.FileStorage})
	require.NoError(t, err)
	back, err := Read(t.Context(), store, ReadBackOptions{Run: "r1", Attempted: 1})
	require.NoError(t, err)
	require.False(t, back.Has(0))

	all := writeFor(t, 400*time.Millisecond, Options{Schedule: sample.Schedule{Rate: 4000}, Timeout: 10 * time.Second, Workers: 64}, store)
	ok, fail, info := outcomes(all)
	require.Greater(t, ok, 200)
	require.Zero(t, fail+info)
	for subject, data := range map[string]string{"ledger.orders": "hello", "ledger.other": "ignored"} {
		_, err = js.Publish(t.Context(), subject, []byte(data))
		require.NoError(t, err)
	}
	_, err = js.Publish(t.Context(), "ledger.orders", []byte(`{"run":"an earlier one","seq":1}`))
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "ledger.orders", []byte(`{"run":"r1","seq":0}`))
	require.NoError(t, err)
	attempted := all[len(all)-1].Seq + 1
	back, err = Read(t.Context(), store, ReadBackOptions{Run: "r1", Attempted: attempted})
	require.NoError(t, err)
	require.Equal(t, 2, back.Count(0))
	for _, r := range all[1:] {
		require.Equal(t, 1, back.Count(r.Seq))
	}
	require.Equal(t, []string{"hello"}, tails(back.Unexpected, 5))
}

func portOf(t *testing.T, s *natsserver.Server) int {
	address, ok := s.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return address.Port
}

func tails(all []string, n int) (out []string) {
	for _, s := range all {
		out = append(out, s[len(s)-n:])
	}
	return out
}

func brief(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestNATSThatGoesAwayAndComesBack(t *testing.T) {
	dir := t.TempDir()
	server := startNATS(t, dir, -1)
	port := portOf(t, server)
	store := newStore(t, "nats", values{"urls": []string{server.ClientURL()}, "subject": "ledger.orders"})
	nc, err := nats.Connect(server.ClientURL())
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"ledger.>"}})
	require.NoError(t, err)
	write := func() record.Outcome {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		o, _ := store.Write(ctx, Entry{Run: "r1", Time: time.Now()})
		return o
	}
	require.Equal(t, record.OK, write())
	server.Shutdown()
	server.WaitForShutdown()
	require.Eventually(t, func() bool { return write() == record.Fail }, 10*time.Second, 10*time.Millisecond, "not connected: nothing is sent, now or later")
	startNATS(t, dir, port)
	require.Eventually(t, func() bool { return write() == record.OK }, 20*time.Second, 10*time.Millisecond)
}
