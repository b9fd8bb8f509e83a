package rule

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// maxFrozen bounds how many answers are kept. What does not fit is answered anew each time, with the long TTL.
const maxFrozen = 1024

// frozen keeps the first answer to each question, as a cache does that nobody can flush.
type frozen struct {
	mu      sync.Mutex
	answers map[string]*dns.Msg
}

func newFrozen() *frozen { return &frozen{answers: map[string]*dns.Msg{}} }

// verdict answers with what is kept, or passes the query on and keeps the answer.
func (f *frozen) verdict(q Query, ttl time.Duration) Verdict {
	var in dns.Msg
	if in.Unpack(q.Raw) != nil {
		return Passed()
	}
	opt := in.IsEdns0()
	key := fmt.Sprintf("%s %d %v %v", strings.ToLower(q.Name), q.Type, in.CheckingDisabled, opt != nil && opt.Do())
	f.mu.Lock()
	defer f.mu.Unlock()
	if kept := f.answers[key]; kept != nil {
		if out, err := again(&in, kept, q.TCP); err == nil {
			return Verdict{Reply: out}
		}
	}
	return Verdict{Pass: true, Keep: func(answer []byte) []byte { return f.keep(key, answer, ttl) }}
}

// again is the kept answer for another query of the same question.
func again(in, kept *dns.Msg, tcp bool) ([]byte, error) {
	m := answerTo(in)
	m.Rcode, m.AuthenticatedData = kept.Rcode, kept.AuthenticatedData
	m.Answer, m.Ns = kept.Answer, kept.Ns
	size := dns.MaxMsgSize
	if !tcp {
		size = dns.MinMsgSize
		if opt := in.IsEdns0(); opt != nil {
			size = int(max(opt.UDPSize(), dns.MinMsgSize))
		}
	}
	m.Truncate(size)
	return m.Pack()
}

// keep sets every TTL of an answer and keeps it, if it is one: a cache does not keep an error or half an answer.
func (f *frozen) keep(key string, answer []byte, ttl time.Duration) []byte {
	var m dns.Msg
	if m.Unpack(answer) != nil || m.Truncated || m.Rcode != dns.RcodeSuccess {
		return answer
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if rr.Header().Rrtype != dns.TypeOPT {
				rr.Header().Ttl = uint32(ttl / time.Second)
			}
		}
	}
	out, err := m.Pack()
	if err != nil {
		return answer
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.answers) < maxFrozen && f.answers[key] == nil {
		f.answers[key] = &m
	}
	return out
}
