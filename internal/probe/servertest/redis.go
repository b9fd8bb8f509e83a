package servertest

import (
	"context"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gomodule/redigo/redis"
)

// Redis is a server without persistence, on loopback, with the password secret.
type Redis struct {
	Address string // host:port
	port    int
	process *process
}

// StartRedis starts a server.
func StartRedis(t testing.TB) *Redis {
	t.Helper()
	path := program(t, "redis-server", "/usr/bin/redis-server")
	r := &Redis{port: Port(t)}
	r.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port))
	dir := folder(t, nil)
	r.process = start(t, command(nil, dir, path, "--port", strconv.Itoa(r.port), "--bind", "127.0.0.1", "--save", "", "--dir", dir,
		"--requirepass", "secret", "--masterauth", "secret", "--repl-diskless-sync-delay", "0"), syscall.SIGKILL)
	r.process.until(t, func(ctx context.Context) error {
		_, err := r.do("PING")
		return err
	})
	return r
}

// Replicate makes the server a replica of another and waits until it has caught up.
func (r *Redis) Replicate(t testing.TB, primary *Redis) {
	t.Helper()
	r.Do(t, "REPLICAOF", "127.0.0.1", strconv.Itoa(primary.port))
	r.process.until(t, func(context.Context) error {
		info, err := redis.String(r.do("INFO", "replication"))
		if err == nil && !strings.Contains(info, "master_link_status:up") {
			err = redis.ErrNil
		}
		return err
	})
}

func (r *Redis) do(name string, args ...any) (any, error) {
	conn, err := redis.Dial("tcp", r.Address, redis.DialPassword("secret"), redis.DialReadTimeout(deadline), redis.DialConnectTimeout(deadline))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.Do(name, args...)
}

// Do sends a command.
func (r *Redis) Do(t testing.TB, name string, args ...any) any {
	t.Helper()
	reply, err := r.do(name, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return reply
}

// Stop ends the server.
func (r *Redis) Stop(t testing.TB) { r.process.end(t, syscall.SIGTERM) }

// Pause and Resume freeze and thaw the server.
func (r *Redis) Pause(t testing.TB)  { r.process.each(t, syscall.SIGSTOP) }
func (r *Redis) Resume(t testing.TB) { r.process.each(t, syscall.SIGCONT) }
