package crash

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
)

// limited is a server that takes so many connections, and closes what is more.
type limited struct {
	net.Listener
	limit int

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newLimited(c *cell, limit int) *limited {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(c, err)
	s := &limited{Listener: l, limit: limit, conns: map[net.Conn]bool{}}
	var over sync.WaitGroup
	over.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if !s.takes(conn) {
				_ = conn.Close()
				continue
			}
			over.Go(func() { s.serve(conn) })
		}
	})
	c.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for conn := range s.conns {
			_ = conn.Close()
		}
		s.mu.Unlock()
		over.Wait()
	})
	return s
}

func (s *limited) takes(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= s.limit {
		return false
	}
	s.conns[conn] = true
	return true
}

func (s *limited) serve(conn net.Conn) {
	_, _ = conn.Write([]byte("welcome"))
	_, _ = io.Copy(io.Discard, conn)
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	_ = conn.Close()
}

// look says whether a client gets in.
func (s *limited) look() string {
	if s == nil {
		return ""
	}
	conn, err := net.DialTimeout("tcp", s.Addr().String(), time.Second)
	if err == nil {
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		_, err = io.ReadFull(conn, make([]byte, len("welcome")))
		_ = conn.Close()
	}
	if err != nil {
		return "the server takes no more\n"
	}
	return "the server takes more\n"
}
