package servertest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Postgres is a server with a cluster of its own, on loopback, with the user gameday and the password secret.
type Postgres struct {
	Address string // host:port
	bin     string
	dir     string
	data    string
	port    int
	as      *syscall.Credential
	process *process
}

// StartPostgres makes a cluster and starts a server on it. It does not sync the disk: its data need not survive us.
func StartPostgres(t testing.TB, settings ...string) *Postgres {
	t.Helper()
	p := newPostgres(t)
	password := filepath.Join(p.dir, "password")
	run(t, p, "/bin/sh", "-c", "umask 077; echo secret >"+password)
	run(t, p, filepath.Join(p.bin, "initdb"), "-D", p.data, "-U", "gameday", "-A", "scram-sha-256", "--pwfile="+password, "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C")
	p.Start(t, settings...)
	return p
}

func newPostgres(t testing.TB) *Postgres {
	t.Helper()
	path, err := filepath.EvalSymlinks(program(t, "postgres", "/usr/lib/postgresql/*/bin/postgres"))
	if err != nil {
		t.Fatal(err)
	}
	p := &Postgres{bin: filepath.Dir(path), port: Port(t), as: unprivileged(t)} // the other programs are beside it
	p.dir = folder(t, p.as)
	p.data = filepath.Join(p.dir, "data")
	p.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port))
	return p
}

func run(t testing.TB, p *Postgres, name string, args ...string) {
	t.Helper()
	if out, err := command(p.as, p.dir, name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Start starts the server, again if need be, and waits until it lets clients in.
func (p *Postgres) Start(t testing.TB, settings ...string) {
	t.Helper()
	args := []string{"-D", p.data, "-p", strconv.Itoa(p.port), "-k", p.dir}
	for _, s := range append([]string{"listen_addresses=127.0.0.1", "fsync=off", "shared_buffers=16MB", "max_wal_senders=4", "autovacuum=off"}, settings...) {
		args = append(args, "-c", s)
	}
	p.process = start(t, command(p.as, p.dir, filepath.Join(p.bin, "postgres"), args...), syscall.SIGQUIT)
	p.process.until(t, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, p.URL())
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// Standby makes a streaming standby of the server, which is named standby to it, and starts it.
func (p *Postgres) Standby(t testing.TB) *Postgres {
	t.Helper()
	s := newPostgres(t)
	source := fmt.Sprintf("host=127.0.0.1 port=%d user=gameday password=secret application_name=standby", p.port)
	run(t, s, filepath.Join(s.bin, "pg_basebackup"), "-D", s.data, "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync")
	s.Start(t)
	return s
}

// Secure writes a certificate and its key, both in PEM, to where the server finds them, and starts the server again with TLS.
func (p *Postgres) Secure(t testing.TB, certificate, key []byte) {
	t.Helper()
	p.Stop(t)
	for name, content := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		path := filepath.Join(p.data, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if p.as != nil {
			if err := os.Chown(path, int(p.as.Uid), int(p.as.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.Start(t, "ssl=on")
}

// URL is for a connection as the owner.
func (p *Postgres) URL() string {
	return "postgres://gameday:secret@" + p.Address + "/postgres?sslmode=disable&connect_timeout=5"
}

// Exec carries out a statement as the owner.
func (p *Postgres) Exec(t testing.TB, sql string) {
	t.Helper()
	_ = p.Query(t, sql)
}

// Query gives the first column of the first row as text.
func (p *Postgres) Query(t testing.TB, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	last := results[len(results)-1]
	if len(last.Rows) == 0 {
		return ""
	}
	return string(last.Rows[0][0])
}

// Stop shuts the server down at once, telling its clients.
func (p *Postgres) Stop(t testing.TB) { p.process.end(t, syscall.SIGINT) }

// Pause and Resume freeze and thaw the postmaster and all its children.
func (p *Postgres) Pause(t testing.TB)  { p.process.each(t, syscall.SIGSTOP) }
func (p *Postgres) Resume(t testing.TB) { p.process.each(t, syscall.SIGCONT) }
