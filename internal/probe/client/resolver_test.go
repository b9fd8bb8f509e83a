package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// serving answers questions with f, and counts them.
func serving(t *testing.T, f func(m *dns.Msg, q dns.Question)) (address string, questions *atomic.Int64) {
	questions = new(atomic.Int64)
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	started := make(chan struct{})
	s := &dns.Server{PacketConn: packets, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		questions.Add(1)
		m := new(dns.Msg).SetReply(q)
		f(m, q.Question[0])
		_ = w.WriteMsg(m)
	})}
	go func() { _ = s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = s.Shutdown() })
	return packets.LocalAddr().String(), questions
}

func records(t *testing.T, lines ...string) []dns.RR {
	var out []dns.RR
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		require.NoError(t, err)
		out = append(out, rr)
	}
	return out
}

func newResolver(t *testing.T, server string) *client.Resolver {
	r, err := client.NewResolver(server)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

func TestAnswersAreKeptForTheirTTL(t *testing.T) {
	for ttl, want := range map[int]int64{0: 3, 300: 1} {
		server, questions := serving(t, func(m *dns.Msg, q dns.Question) {
			m.Answer = records(t, "shop.test. 300 IN CNAME east.test.", fmt.Sprintf("east.test. %d IN A 127.0.0.9", ttl))
		})
		r := newResolver(t, server)
		for range 3 {
			addrs, err := r.Lookup(t.Context(), "Shop.test")
			require.NoError(t, err)
			require.Equal(t, []netip.Addr{netip.MustParseAddr("127.0.0.9")}, addrs)
		}
		require.Equal(t, want, questions.Load(), "with a TTL of %d", ttl)
	}
}

func TestAbsenceIsKeptAsTheZoneSays(t *testing.T) {
	for soa, want := range map[string]int64{"": 2, "test. 300 IN SOA ns.test. m.test. 1 2 3 4 300": 1, "test. 300 IN SOA ns.test. m.test. 1 2 3 4 0": 2} {
		server, questions := serving(t, func(m *dns.Msg, q dns.Question) {
			m.Rcode = dns.RcodeNameError
			if soa != "" {
				m.Ns = records(t, soa)
			}
		})
		r := newResolver(t, server)
		for range 2 {
			_, err := r.Lookup(t.Context(), "nobody.test")
			require.ErrorContains(t, err, "NXDOMAIN")
			require.Equal(t, sample.DNS, client.Classify(err))
		}
		require.Equal(t, want, questions.Load(), soa)
	}
}

func TestANameWithIPv6Only(t *testing.T) {
	server, _ := serving(t, func(m *dns.Msg, q dns.Question) {
		if q.Qtype == dns.TypeAAAA {
			m.Answer = records(t, "six.test. 60 IN AAAA ::1")
		}
	})
	addrs, err := newResolver(t, server).Lookup(t.Context(), "six.test")
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{netip.IPv6Loopback()}, addrs)
}

func TestQuestionsForOneNameShareALookup(t *testing.T) {
	release := make(chan struct{})
	server, questions := serving(t, func(m *dns.Msg, q dns.Question) {
		<-release
		m.Answer = records(t, "shop.test. 60 IN A 127.0.0.9")
	})
	r := newResolver(t, server)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := r.Lookup(t.Context(), "shop.test"); err != nil {
				t.Error(err)
			}
		})
	}
	require.Eventually(t, func() bool { return questions.Load() == 1 && r.Waiting("shop.test") }, 10*time.Second, time.Millisecond)
	impatient, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := r.Lookup(impatient, "shop.test")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, sample.DNS, client.Classify(err))
	close(release)
	wg.Wait()
	require.EqualValues(t, 1, questions.Load())
	require.False(t, r.Waiting("shop.test"))
}

func TestTheNextAddressIsTriedWhenOneRefuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	server, _ := serving(t, func(m *dns.Msg, q dns.Question) {
		m.Answer = records(t, "shop.test. 60 IN A 127.0.0.8", "shop.test. 60 IN A 127.0.0.1")
	})
	d, err := client.NewDialer(server)
	require.NoError(t, err)
	defer d.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", "shop.test:"+port)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.NoError(t, l.Close())
	_, err = d.DialContext(ctx, "tcp", "shop.test:"+port)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{`"1m30s"`: 90 * time.Second, `1000`: time.Microsecond} {
		var d client.Duration
		require.NoError(t, json.Unmarshal([]byte(text), &d))
		require.Equal(t, want, time.Duration(d))
	}
	var d client.Duration
	require.Error(t, json.Unmarshal([]byte(`"soon"`), &d))
	require.Error(t, json.Unmarshal([]byte(`true`), &d))
}

func TestClasses(t *testing.T) {
	for _, c := range []struct {
		err  error
		want sample.Class
	}{
		{nil, sample.NoClass},
		{syscall.ECONNREFUSED, sample.Refused},
		{fmt.Errorf("dialing: %w", syscall.EMFILE), sample.NoSlot},
		{fmt.Errorf("reading: %w", syscall.ECONNRESET), sample.Reset},
		{&net.DNSError{IsTimeout: true}, sample.DNS},
		{context.DeadlineExceeded, sample.Timeout},
		{errors.New("remote error: tls: bad certificate"), sample.TLS},
		{errors.New("something else"), sample.Other},
	} {
		require.Equal(t, c.want, client.Classify(c.err), "%v", c.err)
	}
}
