package ledger

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/probe/servertest"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

func owner(hosts ...string) values {
	return values{"hosts": hosts, "user": "gameday", "password": "secret", "database": "postgres"}
}

func with(v values, more values) values {
	for key, value := range more {
		v[key] = value
	}
	return v
}

// once writes one record with time enough.
func once(t *testing.T, s Store, seq uint64, wait time.Duration) (string, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	o, detail := s.Write(ctx, Entry{Run: "r1", Seq: seq, Time: time.Now()})
	require.Equal(t, o == record.OK, detail == "")
	return o.String(), detail
}

func TestPostgresLedger(t *testing.T) {
	t.Parallel()
	server := servertest.StartPostgres(t)
	store := newStore(t, "postgres", with(owner(server.Address), values{"table": "public.Records"}))
	back, err := Read(t.Context(), store, ReadBackOptions{Run: "r1", Attempted: 1})
	require.NoError(t, err, "no table yet is an empty ledger")
	require.False(t, back.Has(0))

	all := writeFor(t, 500*time.Millisecond, Options{Schedule: sample.Schedule{Rate: 3000}, Timeout: 10 * time.Second, Workers: 8}, store)
	ok, fail, info := outcomes(all)
	require.NotZero(t, ok)
	require.Zero(t, fail+info)
	require.Equal(t, "asynchronous: an acknowledged record was on the disk of the primary (synchronous_commit = on, synchronous_standby_names = '')", store.(Promiser).Promise())
	server.Exec(t, `INSERT INTO "Records" SELECT 'an earlier one', n, 0, now() FROM generate_series(0, 2000) n`)
	server.Exec(t, `INSERT INTO "Records" SELECT 'r1', n, 0, now() FROM generate_series(10000, 12499) n`) // several pages
	server.Exec(t, `INSERT INTO "Records" VALUES ('r1', 1000000, 0, now())`)
	gone := all[len(all)-1].Seq
	server.Exec(t, fmt.Sprintf(`DELETE FROM "Records" WHERE run = 'r1' AND seq = %d`, gone))
	back, err = Read(t.Context(), store, ReadBackOptions{Run: "r1", Attempted: 12500})
	require.NoError(t, err)
	require.Equal(t, 1, back.UnexpectedCount)
	for _, r := range all {
		require.Equal(t, r.Seq != gone, back.Count(r.Seq) == 1)
	}
	for seq := range uint64(2500) {
		require.Equal(t, 1, back.Count(10000+seq))
	}
	require.Equal(t, "f", server.Query(t, `SELECT bool_or(written NOT BETWEEN now() - interval '1 minute' AND now()) FROM "Records" WHERE run = 'r1'`))
	o, detail := once(t, store, 10000, time.Minute)
	require.Equal(t, "fail", o, "the server said so")
	require.Contains(t, detail, "23505")
}

func TestPostgresLedgerThatMayNotMakeItsTable(t *testing.T) {
	t.Parallel()
	server := servertest.StartPostgres(t)
	o, detail := once(t, newStore(t, "postgres", with(owner(server.Address), values{"create": false})), 0, time.Minute)
	require.Equal(t, "fail", o)
	require.Contains(t, detail, "42P01")
	wrong := newStore(t, "postgres", with(owner(server.Address), values{"password": "not this one"}))
	o, detail = once(t, wrong, 0, time.Minute)
	require.Equal(t, "fail", o)
	require.NotContains(t, detail, "not this one")
	_, err := Read(brief(t), wrong, ReadBackOptions{Run: "r1", Attempted: 1})
	require.Error(t, err, "who is not let in has not read")
}

// A commit that waits for a standby that does not answer is written on the primary, and was never acknowledged.
func TestPostgresTellsSynchronousFromAsynchronous(t *testing.T) {
	t.Parallel()
	server := servertest.StartPostgres(t)
	standby := server.Standby(t)
	server.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
	server.Exec(t, "SELECT pg_reload_conf()")
	synchronous := newStore(t, "postgres", with(owner(server.Address), values{"synchronous_commit": "remote_apply"}))
	local := newStore(t, "postgres", with(owner(server.Address), values{"synchronous_commit": "local"}))
	o, detail := once(t, synchronous, 0, time.Minute)
	require.Equal(t, "ok", o, detail)
	require.Equal(t, "synchronous: an acknowledged record was on the disk of the primary and of a synchronous standby (synchronous_commit = remote_apply, synchronous_standby_names = 'standby')", synchronous.(Promiser).Promise())
	require.Empty(t, local.(Promiser).Promise(), "nothing was acknowledged yet")
	reader := newStore(t, "postgres", with(owner(server.Address), values{"read": values{"hosts": []string{standby.Address}}}))
	back, err := Read(t.Context(), reader, ReadBackOptions{Run: "r1", Attempted: 1})
	require.NoError(t, err)
	require.True(t, back.Has(0), "applied at the standby before it was acknowledged")

	standby.Pause(t)
	o, _ = once(t, synchronous, 1, time.Second)
	require.Equal(t, "info", o)
	o, detail = once(t, local, 2, time.Minute)
	require.Equal(t, "ok", o, detail)
	require.Equal(t, "asynchronous: an acknowledged record was on the disk of the primary (synchronous_commit = local, synchronous_standby_names = 'standby')", local.(Promiser).Promise())
	standby.Resume(t)
	require.Eventually(t, func() bool {
		back, err := Read(t.Context(), local, ReadBackOptions{Run: "r1", Attempted: 3})
		return err == nil && back.Has(1)
	}, 10*time.Second, 20*time.Millisecond, "what is unknown may be there")
}

// The client follows the primary as libpq does: the standby is asked, and is not the one.
func TestPostgresFollowsAFailover(t *testing.T) {
	t.Parallel()
	east := servertest.StartPostgres(t)
	west := east.Standby(t)
	store := newStore(t, "postgres", with(owner(west.Address, east.Address), values{"target_session_attrs": "read-write"}))
	o, detail := once(t, store, 0, time.Minute)
	require.Equal(t, "ok", o, detail)
	require.Equal(t, "1", east.Query(t, "SELECT count(*) FROM gameday_ledger"))
	require.Eventually(t, func() bool {
		return west.Query(t, "SELECT pg_last_wal_replay_lsn() >= '"+east.Query(t, "SELECT pg_current_wal_lsn()")+"'") == "t"
	}, 10*time.Second, 20*time.Millisecond)
	east.Pause(t)
	o, _ = once(t, store, 1, time.Second)
	require.Equal(t, "info", o, "it was sent")
	west.Exec(t, "SELECT pg_promote()")
	require.Eventually(t, func() bool { o, _ := once(t, store, 2, time.Second); return o == "ok" }, 10*time.Second, 20*time.Millisecond)
	back, err := Read(t.Context(), store, ReadBackOptions{Run: "r1", Attempted: 3})
	require.NoError(t, err)
	require.Equal(t, []bool{true, false, true}, []bool{back.Has(0), back.Has(1), back.Has(2)})
	require.NoError(t, store.Close(), "although a connection hangs")
	east.Resume(t)
}

func TestPostgresThatStopsAndStarts(t *testing.T) {
	t.Parallel()
	server := servertest.StartPostgres(t)
	store := newStore(t, "postgres", owner(server.Address))
	o, detail := once(t, store, 0, time.Minute)
	require.Equal(t, "ok", o, detail)
	server.Stop(t)
	o, detail = once(t, store, 1, time.Minute)
	require.Equal(t, "info", o, "whether it was sent before the end is not known: %s", detail)
	o, detail = once(t, store, 2, time.Minute)
	require.Equal(t, "fail", o, detail)
	server.Start(t)
	o, detail = once(t, store, 3, time.Minute)
	require.Equal(t, "ok", o, detail)
}

// cutting passes everything on to a server. On a client that has sent a record it hangs up, and passes the record on.
func cutting(t *testing.T, to string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	t.Cleanup(func() { listener.Close(); all.Wait() })
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			all.Go(func() {
				_, _ = io.Copy(client, server)
				client.Close()
				_, _ = io.Copy(io.Discard, server)
				server.Close()
			})
			all.Go(func() {
				defer func() { _ = server.(*net.TCPConn).CloseWrite() }()
				b := make([]byte, 4096)
				for {
					n, err := client.Read(b)
					if bytes.HasPrefix(b[:n], []byte{0, 0, 0, 16, 4, 210, 22, 46}) { // a request to cancel: it would come in time or not
						return
					}
					hangUp := err != nil || bytes.Contains(b[:n], []byte("INSERT"))
					if hangUp {
						client.Close()
					}
					_, _ = server.Write(b[:n])
					if hangUp {
						return
					}
				}
			})
		}
	})
	return listener.Addr().String()
}

// A connection that ends between the statement and its answer says nothing about the record. (The driver calls this error
// safe to retry, because it takes the connection for one that had been closed before.)
func TestPostgresThatHangsUp(t *testing.T) {
	t.Parallel()
	server := servertest.StartPostgres(t)
	require.Equal(t, "ok", first(once(t, newStore(t, "postgres", owner(server.Address)), 0, time.Minute)))
	store := newStore(t, "postgres", owner(cutting(t, server.Address)))
	for seq := range uint64(5) {
		o, detail := once(t, store, 1+seq, time.Minute)
		require.Equal(t, "info", o, detail)
	}
	require.Eventually(t, func() bool { return server.Query(t, "SELECT count(*) FROM gameday_ledger") == "6" }, 10*time.Second, 20*time.Millisecond, "all of it was stored")
}

func first(o, _ string) string { return o }

func TestWhatAnErrorOfPostgresPromises(t *testing.T) {
	for _, c := range []struct {
		severity, code string
		refused        bool
	}{
		{"ERROR", "23505", true}, {"ERROR", "25006", true}, {"ERROR", "57014", true}, {"ERROR", "53100", true},
		{"FATAL", "57P01", false}, {"PANIC", "53100", false}, {"ERROR", "40003", false}, {"ERROR", "08P01", false},
	} {
		require.Equal(t, c.refused, refused(&pgconn.PgError{SeverityUnlocalized: c.severity, Severity: "FEHLER", Code: c.code}), c)
	}
	require.False(t, refused(net.ErrClosed))
}
