package names_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/names"
)

func freeAddr(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, ln.Close()) }()
	return ln.Addr().String()
}

// serve runs a server for lab.test until the test ends.
func serve(t *testing.T) (*names.Server, string) {
	s := names.New("lab.test.", func(name string) net.IP {
		if name == "shop.lab.test" {
			return net.ParseIP("127.0.10.1")
		}
		return nil
	})
	addr := freeAddr(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, addr) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	require.Eventually(t, func() bool {
		m, err := ask(addr, "udp", "lab.test.", dns.TypeSOA, time.Second)
		return err == nil && m.Rcode == dns.RcodeSuccess
	}, 5*time.Second, 5*time.Millisecond)
	return s, addr
}

func ask(addr, network, name string, qtype uint16, patience time.Duration) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	c := &dns.Client{Net: network, Timeout: patience}
	m, _, err := c.Exchange(q, addr)
	return m, err
}

func TestAnswersOverUDPAndTCPWithTheDocumentedTTL(t *testing.T) {
	_, addr := serve(t)
	for _, network := range []string{"udp", "tcp"} {
		m, err := ask(addr, network, "Shop.Lab.Test.", dns.TypeA, time.Second)
		require.NoError(t, err)
		require.True(t, m.Authoritative)
		require.Len(t, m.Answer, 1)
		a, ok := m.Answer[0].(*dns.A)
		require.True(t, ok)
		require.Equal(t, "127.0.10.1", a.A.String())
		require.Equal(t, uint32(5), a.Hdr.Ttl)
	}
	m, err := ask(addr, "udp", "nobody.lab.test.", dns.TypeA, time.Second)
	require.NoError(t, err)
	require.Equal(t, dns.RcodeNameError, m.Rcode)
	m, err = ask(addr, "udp", "shop.lab.test.", dns.TypeAAAA, time.Second)
	require.NoError(t, err)
	require.Equal(t, dns.RcodeSuccess, m.Rcode, "the name exists, it has no such address")
	require.Empty(t, m.Answer)
	m, err = ask(addr, "udp", "example.org.", dns.TypeA, time.Second)
	require.NoError(t, err)
	require.Equal(t, dns.RcodeRefused, m.Rcode)
}

func TestEveryModeFailsOnlyTheChosenName(t *testing.T) {
	s, addr := serve(t)
	rcodes := map[names.Mode]int{
		names.NXDomain: dns.RcodeNameError, names.ServFail: dns.RcodeServerFailure, names.Refused: dns.RcodeRefused, names.Empty: dns.RcodeSuccess,
	}
	for mode, rcode := range rcodes {
		s.Fail(map[string]names.Failure{"shop.lab.test": {Mode: mode}})
		m, err := ask(addr, "udp", "shop.lab.test.", dns.TypeA, time.Second)
		require.NoError(t, err, mode)
		require.Equal(t, rcode, m.Rcode, mode)
		require.Empty(t, m.Answer, mode)
	}
	s.Fail(map[string]names.Failure{"shop.lab.test": {Mode: names.WrongAddress, Address: "127.0.99.1"}})
	m, err := ask(addr, "udp", "shop.lab.test.", dns.TypeA, time.Second)
	require.NoError(t, err)
	require.Contains(t, m.Answer[0].String(), "127.0.99.1")

	s.Fail(map[string]names.Failure{"shop.lab.test": {Mode: names.Drop}})
	_, err = ask(addr, "udp", "shop.lab.test.", dns.TypeA, 100*time.Millisecond)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())

	s.Fail(map[string]names.Failure{"shop.lab.test": {Mode: names.Delay, Delay: 100 * time.Millisecond}})
	began := time.Now()
	m, err = ask(addr, "udp", "shop.lab.test.", dns.TypeA, 5*time.Second)
	require.NoError(t, err)
	require.Len(t, m.Answer, 1)
	require.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond)

	m, err = ask(addr, "udp", "lab.test.", dns.TypeSOA, time.Second)
	require.NoError(t, err)
	require.Equal(t, dns.RcodeSuccess, m.Rcode, "another name is untouched")

	s.Fail(nil)
	m, err = ask(addr, "udp", "shop.lab.test.", dns.TypeA, time.Second)
	require.NoError(t, err)
	require.Len(t, m.Answer, 1)
}

// world is what a failover sees: which regions are down. It keeps what the failover tells.
type world struct {
	mu   sync.Mutex
	down map[string]bool
	told []names.Change
}

func (w *world) check(_ context.Context, region string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down[region] {
		return errors.New("does not take orders")
	}
	return nil
}

func (w *world) tell(c names.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, c)
}

// set changes a region, lets the checks run for a while, and returns all that was told so far.
func (w *world) set(region string, down bool, wait time.Duration) []names.Change {
	w.mu.Lock()
	w.down[region] = down
	w.mu.Unlock()
	time.Sleep(wait)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told
}

func TestUsersAreSentToTheOtherRegionOnlyWhenItCanServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{down: map[string]bool{}}
		f := names.NewFailover([]string{"east", "west"}, w.check, w.tell)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		w.down["west"] = true
		go func() { defer close(done); f.Run(ctx) }()
		require.Empty(t, w.set("west", true, 10*time.Second), "a standby that cannot serve is no news")
		require.Equal(t, "east", f.Active())

		told := w.set("east", true, 10*time.Second)
		require.Len(t, told, 1)
		require.False(t, f.Healthy("east"))
		require.Equal(t, "east", f.Active(), "west is a mirror: sending users there would only hide the outage")

		told = w.set("west", false, names.CheckInterval) // promoted
		require.Equal(t, "west", f.Active())
		require.True(t, told[len(told)-1].Moved)
		cancel()
		<-done
	})
}
