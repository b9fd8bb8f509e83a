package probe

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/probe/servertest"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

func pg(server *servertest.Postgres, more values) values {
	v := values{"hosts": []string{server.Address}, "user": "gameday", "password": "secret", "database": "postgres"}
	for key, value := range more {
		v[key] = value
	}
	return v
}

func TestPostgresProbe(t *testing.T) {
	t.Parallel()
	server := servertest.StartPostgres(t, "max_connections=8", "superuser_reserved_connections=0", "max_wal_senders=0")
	server.Exec(t, "CREATE TABLE t (n int PRIMARY KEY)")
	for _, c := range []struct {
		more  values
		class sample.Class
		says  string
	}{
		{nil, sample.NoClass, ""},
		{values{"keepalive": false}, sample.NoClass, ""},
		{values{"query": "SELECT n FROM generate_series(7, 9) n", "expect": values{"rows": 3, "value": "7", "regex": "^7$"}}, sample.NoClass, ""},
		{values{"query": "INSERT INTO t VALUES (1)", "expect": values{"rows": 1}}, sample.NoClass, ""},
		{values{"query": "INSERT INTO t VALUES (1)"}, sample.Status, "ERROR 23505"},
		{values{"query": "SET LOCAL lock_timeout = '1s'; UPDATE t SET n = 1", "expect": values{"rows": 1}}, sample.NoClass, ""},
		{values{"query": "SELECT 1 WHERE false", "expect": values{"rows": 1}}, sample.Body, "0 rows"},
		{values{"query": "SELECT 1 WHERE false", "expect": values{"value": "1"}}, sample.Body, "no value"},
		{values{"query": "SELECT NULL", "expect": values{"value": ""}}, sample.Body, "not what is expected"},
		{values{"query": "SELECT pg_is_in_recovery()", "expect": values{"value": "t"}}, sample.Body, "not what is expected"},
		{values{"query": "SELECT pg_sleep(20)"}, sample.Timeout, ""},
		{values{"query": "SET statement_timeout = 50; SELECT pg_sleep(20)"}, sample.Timeout, "57014"},
		{values{"query": "SELECT pg_terminate_backend(pg_backend_pid())"}, sample.Reset, "57P01"},
		{values{"target_session_attrs": "standby"}, sample.Other, "server is not in hot standby mode"},
		{values{"password": "wrong"}, sample.Status, "28P01"},
		{values{"tls": values{}}, sample.TLS, "tls"},
		{values{"hosts": []string{fmt.Sprintf("127.0.0.1:%d", servertest.Port(t))}}, sample.Refused, ""},
		{values{"hosts": []string{"no.such.invalid"}, "resolver": "127.0.0.1:1"}, sample.DNS, ""},
		{values{"hosts": []string{fmt.Sprintf("127.0.0.1:%d", servertest.Port(t)), server.Address}}, sample.NoClass, ""},
	} {
		p := newProber(t, "postgres", pg(server, c.more))
		for range 2 { // the second time on a connection that has seen the first
			a := askOnce(t, p, time.Second)
			require.Equal(t, c.class, a.Class, "%v: %s", c.more, a.Detail)
			require.Equal(t, c.class == sample.NoClass, a.Good)
			require.Contains(t, a.Detail, c.says)
			require.NotContains(t, a.Detail, "secret")
			if c.more["query"] == "INSERT INTO t VALUES (1)" {
				break
			}
		}
		require.NoError(t, p.Close())
	}
	require.Eventually(t, func() bool {
		return server.Query(t, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gameday'") == "0"
	}, 10*time.Second, 20*time.Millisecond, "connections are left")
	tooMany(t, server)
}

// tooMany takes all connections.
func tooMany(t *testing.T, server *servertest.Postgres) {
	var taken []*pgx.Conn
	for {
		conn, err := pgx.Connect(t.Context(), server.URL())
		if err != nil {
			break
		}
		taken = append(taken, conn)
	}
	p := newProber(t, "postgres", pg(server, nil))
	a := askOnce(t, p, time.Second)
	require.Equal(t, sample.Refused, a.Class)
	require.Contains(t, a.Detail, "53300: sorry, too many clients already")
	for _, conn := range taken {
		require.NoError(t, conn.Close(t.Context()))
	}
	require.Eventually(t, func() bool { return askOnce(t, p, time.Second).Good }, 10*time.Second, 20*time.Millisecond)
	require.NoError(t, p.Close())
}

func TestPostgresOverTLS(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	key, err := x509.MarshalPKCS8PrivateKey(web.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pemOf(web.Certificate()), 0o600))
	server := servertest.StartPostgres(t)
	server.Secure(t, pemOf(web.Certificate()), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	ask := func(tls values) Answer {
		query := "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
		p := newProber(t, "postgres", pg(server, values{"query": query, "expect": values{"value": "t"}, "tls": tls}))
		return askOnce(t, p, 5*time.Second)
	}
	require.True(t, ask(values{"ca_file": ca}).Good)
	require.True(t, ask(values{"insecure": true}).Good)
	requireClass(t, sample.TLS, ask(values{}))
	requireClass(t, sample.TLS, ask(values{"ca_file": ca, "server_name": "else.test"}))
}

// A server that hangs makes the prober neither late nor poor in slots, and it holds no query that nobody waits for any more.
func TestPostgresThatHangs(t *testing.T) {
	t.Parallel()
	server := servertest.StartPostgres(t)
	for _, keep := range []bool{true, false} {
		p := newProber(t, "postgres", pg(server, values{"keepalive": keep}))
		require.True(t, askOnce(t, p, 5*time.Second).Good)
		server.Pause(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		var mu sync.Mutex
		seen := map[sample.Class]int{}
		require.NoError(t, Run(ctx, time.Now(), Options{Schedule: sample.Schedule{Rate: 50}, Timeout: 300 * time.Millisecond}, p, func(all []sample.Sample, _ []Detail) {
			mu.Lock()
			defer mu.Unlock()
			for _, x := range all {
				seen[x.Class]++
			}
		}))
		cancel()
		server.Resume(t)
		require.Greater(t, seen[sample.Timeout], 20)
		require.Zero(t, seen[sample.NoClass])
		require.True(t, askOnce(t, p, 5*time.Second).Good)
		began := time.Now()
		require.NoError(t, p.Close())
		require.Less(t, time.Since(began), 5*time.Second)
	}
}
