package main

import (
	"context"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
)

var addresses atomic.Uint32

// address sets VAR to an address on which nobody listens: on a loopback address of its own, because a free port of the common
// one may be taken by anybody at any time.
func address(ts *testscript.TestScript, _ bool, args []string) {
	n := addresses.Add(1)
	ip := net.IPv4(127, byte(64+os.Getpid()%128), byte(n>>8), byte(n)).String()
	ts.Setenv(args[0], net.JoinHostPort(ip, "9099"))
}

// greet is a service over TCP that greets whoever connects, while it works: VAR FILE [HEAL].
func greet(ts *testscript.TestScript, _ bool, args []string) {
	h, l := newHealth(ts, args[1:]), listen(ts, args[0])
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if h.ok() {
				_ = conn.SetDeadline(time.Now().Add(time.Second))
				_, _ = io.WriteString(conn, "220 ready\r\n")
			}
			_ = conn.Close()
		}
	}()
}

func listen(ts *testscript.TestScript, name string) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv(name, l.Addr().String())
	return l
}

// checkup is the health service of gRPC: VAR FILE [HEAL].
func checkup(ts *testscript.TestScript, _ bool, args []string) {
	srv := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(srv, checked{h: newHealth(ts, args[1:])})
	l := listen(ts, args[0])
	go func() { _ = srv.Serve(l) }()
	ts.Defer(srv.Stop)
}

type checked struct {
	grpc_health_v1.UnimplementedHealthServer
	h *health
}

func (c checked) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	status := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if c.h.ok() {
		status = grpc_health_v1.HealthCheckResponse_SERVING
	}
	return &grpc_health_v1.HealthCheckResponse{Status: status}, nil
}

// names is a DNS server that finds every name at 127.0.0.1, and fails while it does not work: VAR FILE [HEAL].
func names(ts *testscript.TestScript, _ bool, args []string) {
	h := newHealth(ts, args[1:])
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	ts.Check(err)
	srv := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if !h.ok() {
			m.Rcode = dns.RcodeServerFailure
		} else if q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = srv.ActivateAndServe() }()
	ts.Defer(func() { _ = conn.Close() })
	ts.Setenv(args[0], conn.LocalAddr().String())
}
