package rule_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
)

func query(t *testing.T, name string, kind uint16, change func(*dns.Msg)) rule.Query {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, kind)
	if change != nil {
		change(m)
	}
	raw, err := m.Pack()
	require.NoError(t, err)
	q, ok := rule.Read(raw, netip.MustParseAddr("10.0.0.7"), false)
	require.True(t, ok)
	return q
}

func decide(t *testing.T, r rule.Rule, q rule.Query) rule.Verdict {
	t.Helper()
	if r.Percent == 0 {
		r.Percent = 100
	}
	s := rule.NewSet()
	s.Put("x", r, time.Time{})
	return s.Decide(q)
}

func TestWhichNames(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		hit           bool
	}{
		{"shop.test", "shop.test.", true}, {"shop.test.", "SHOP.test.", true}, {"shop.test", "a.shop.test.", false}, {"shop.test", "xshop.test.", false},
		{".shop.test", "shop.test.", true}, {".shop.test", "a.b.shop.test.", true}, {".shop.test", "xshop.test.", false}, {".", "anything.", true}, {".", ".", true},
		{"*.shop.test", "a.shop.test.", true}, {"*.shop.test", "a.b.shop.test.", false}, {"*.shop.test", "shop.test.", false},
		{"api-?.test", "api-1.test.", true}, {"api-?.test", "api-10.test.", false}, {".*.test", "a.b.test.", true},
		{"*.test", "a/b.test.", true}, {"a.test", `a\.test.`, false}, {`[ab].test`, "b.test.", true},
	} {
		require.NoError(t, rule.CheckName(c.pattern), c.pattern)
		passed := decide(t, rule.Rule{Names: []string{c.pattern}, Mode: rule.Drop}, query(t, c.name, dns.TypeA, nil)).Pass
		require.Equal(t, c.hit, !passed, "%s %s", c.pattern, c.name)
	}
	for _, bad := range []string{"", "a..b", "**.test", "[a", "..", ".a..b"} {
		require.Error(t, rule.CheckName(bad), bad)
	}
}

// A message that is no ordinary query is for the server to judge.
func TestWhatIsNoQuery(t *testing.T) {
	for _, raw := range [][]byte{nil, []byte("short"), make([]byte, 12), append(make([]byte, 12), 0xc0), []byte("\x00\x01\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01")} {
		_, ok := rule.Read(raw, netip.Addr{}, false)
		require.False(t, ok, "%x", raw)
	}
	update := new(dns.Msg)
	update.SetUpdate("test.")
	raw, err := update.Pack()
	require.NoError(t, err)
	_, ok := rule.Read(raw, netip.Addr{}, false)
	require.False(t, ok)
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01x\x01w\x04test\x00\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		q, ok := rule.Read(raw, netip.MustParseAddr("::1"), true)
		if !ok {
			return
		}
		for _, m := range rule.Modes() {
			decide(t, rule.Rule{Names: []string{"."}, Mode: rule.Mode(m)}, q)
		}
	})
}

func TestAnAnswerFitsTheQuestion(t *testing.T) {
	q := query(t, "Shop.TEST.", dns.TypeA, func(m *dns.Msg) {
		m.CheckingDisabled = true
		m.SetEdns0(4096, true)
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "00112233445566778899aabbccddeeff"})
	})
	v := decide(t, rule.Rule{Names: []string{"."}, Mode: rule.NXDomain, TTL: 7 * time.Second}, q)
	var m dns.Msg
	require.NoError(t, m.Unpack(v.Reply))
	require.Equal(t, "Shop.TEST.", m.Question[0].Name, "clients check the letters")
	require.True(t, m.Response && m.RecursionDesired && m.RecursionAvailable && m.CheckingDisabled && m.IsEdns0().Do())
	require.Equal(t, dns.RcodeNameError, m.Rcode)
	require.Len(t, m.IsEdns0().Option, 1, "the cookie that the client knows the server by")
	soa := m.Ns[0].(*dns.SOA)
	require.Equal(t, uint32(7), min(soa.Hdr.Ttl, soa.Minttl), "how long a cache may keep it (RFC 2308)")
	require.Equal(t, "TEST.", soa.Hdr.Name)
}

func TestAFamilyWithoutAnAddressIsEmpty(t *testing.T) {
	r := rule.Rule{Names: []string{"."}, Mode: rule.WrongAddress, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	var m dns.Msg
	require.NoError(t, m.Unpack(decide(t, r, query(t, "x.", dns.TypeAAAA, nil)).Reply))
	require.Equal(t, dns.RcodeSuccess, m.Rcode)
	require.Empty(t, m.Answer)
	require.Equal(t, rule.Passed(), decide(t, r, query(t, "x.", dns.TypeMX, nil)), "an address is no answer to MX")
}

// The first answer is the answer, whatever the server says later.
func TestStale(t *testing.T) {
	s := rule.NewSet()
	s.Put("x", rule.Rule{Names: []string{"."}, Mode: rule.Stale, TTL: time.Hour, Percent: 100}, time.Time{})
	q := query(t, "x.test.", dns.TypeA, nil)
	answer := func(address string) []byte {
		var in dns.Msg
		require.NoError(t, in.Unpack(q.Raw))
		m := new(dns.Msg).SetReply(&in)
		rr, err := dns.NewRR("x.test. 60 A " + address)
		require.NoError(t, err)
		m.Answer = []dns.RR{rr}
		out, err := m.Pack()
		require.NoError(t, err)
		return out
	}
	first := s.Decide(q)
	require.True(t, first.Pass)
	for _, got := range [][]byte{first.Keep(answer("198.51.100.7")), s.Decide(q).Reply} {
		var m dns.Msg
		require.NoError(t, m.Unpack(got))
		require.Equal(t, "x.test.\t3600\tIN\tA\t198.51.100.7", m.Answer[0].String())
	}
	require.True(t, s.Decide(query(t, "x.test.", dns.TypeA, func(m *dns.Msg) { m.SetEdns0(1232, true) })).Pass, "with signatures it is another answer")
}

func TestARuleEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := rule.NewSet()
		q := query(t, "x.test.", dns.TypeA, nil)
		s.Put("x", rule.Rule{Names: []string{"."}, Mode: rule.Drop, Percent: 100}, time.Now().Add(3*time.Second))
		time.Sleep(2 * time.Second)
		require.True(t, s.Renew("x", time.Now().Add(3*time.Second)))
		time.Sleep(2 * time.Second)
		require.False(t, s.Decide(q).Pass)
		time.Sleep(time.Second)
		require.True(t, s.Decide(q).Pass)
		require.False(t, s.Renew("x", time.Now().Add(time.Hour)), "what has ended is not begun again")
		s.Lapsed()
		_, _, stands := s.Look("x")
		require.False(t, stands)
	})
}
