package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"time"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const maxReply = 64 << 10 // as much of a reply is looked at

type tcpConfig struct {
	Address  string      `json:"address"`
	Send     string      `json:"send"`
	Resolver string      `json:"resolver"`
	TLS      *client.TLS `json:"tls"`
	Expect   struct {
		Contains string `json:"contains"`
		Regex    string `json:"regex"`
	} `json:"expect"`
}

type tcpProber struct {
	address, host string
	send, want    []byte
	regex         *regexp.Regexp
	tls           *tls.Config // nil: plain
	dialer        *client.Dialer
}

func newTCP(cfg json.RawMessage, env Env) (Prober, error) {
	var c tcpConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the tcp probe: %w", err)
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		return nil, fmt.Errorf("address must be \"host:port\": %w", err)
	}
	p := &tcpProber{address: c.Address, host: host, send: []byte(c.Send), want: []byte(c.Expect.Contains)}
	if c.Expect.Regex != "" {
		if p.regex, err = regexp.Compile(c.Expect.Regex); err != nil {
			return nil, fmt.Errorf("reading expect.regex: %w", err)
		}
	}
	if c.TLS != nil {
		if p.tls, err = c.TLS.Config(); err != nil {
			return nil, err
		}
		if p.tls.ServerName == "" {
			p.tls.ServerName = host
		}
	}
	p.dialer, err = client.NewDialer(env.resolver(c.Resolver))
	return p, err
}

func (p *tcpProber) Close() error {
	p.dialer.Close()
	return nil
}

// Probe connects anew each time: to be let in is what is asked.
func (p *tcpProber) Probe(ctx context.Context) Answer {
	conn, err := p.dialer.DialContext(ctx, "tcp", p.address)
	if err != nil {
		return failed(ctx, err, p.dialer, p.host)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if p.tls != nil {
		secure := tls.Client(conn, p.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return failedTLS(ctx, err)
		}
		conn = secure
	}
	return p.talk(ctx, conn)
}

// failedTLS calls a handshake that fails a failure of TLS, unless the connection or the time ran out.
func failedTLS(ctx context.Context, err error) Answer {
	a := failed(ctx, fmt.Errorf("TLS handshake: %w", err), nil, "")
	if a.Class == sample.Other {
		a.Class = sample.TLS
	}
	return a
}

func (p *tcpProber) talk(ctx context.Context, conn net.Conn) Answer {
	if len(p.send) > 0 {
		if _, err := conn.Write(p.send); err != nil {
			return failed(ctx, err, nil, "")
		}
	}
	if len(p.want) == 0 && p.regex == nil {
		return good()
	}
	reply := make([]byte, 0, 4<<10)
	for len(reply) < maxReply {
		reply = append(reply, make([]byte, 4<<10)...)
		start := len(reply) - 4<<10
		n, err := conn.Read(reply[start:])
		reply = reply[:start+n]
		if p.matches(reply) {
			return good()
		}
		if errors.Is(err, io.EOF) && len(reply) > 0 {
			return bad(sample.Body, "the peer closed after %d bytes, which are not what is expected", len(reply))
		}
		if err != nil {
			return failed(ctx, err, nil, "")
		}
	}
	return bad(sample.Body, "%d bytes, which are not what is expected", len(reply))
}

func (p *tcpProber) matches(reply []byte) bool {
	return bytes.Contains(reply, p.want) && (p.regex == nil || p.regex.Match(reply))
}

func tcpSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Opens a TCP connection, and where send or expect is set, talks over it.",
		Attributes: []sdk.Attribute{
			{Name: "address", Type: sdk.String, Required: true, Doc: "\"host:port\""},
			{Name: "send", Type: sdk.String, Doc: "Bytes to send once connected"},
			client.ResolverAttribute(),
		},
		Blocks: []sdk.Block{client.TLSBlock(), {Name: "expect", Max: 1, Schema: sdk.Schema{
			Doc: "What a good answer is. Default: the connection is accepted.",
			Attributes: []sdk.Attribute{
				{Name: "contains", Type: sdk.String, Doc: "Text that the reply contains"},
				{Name: "regex", Type: sdk.String, Doc: "Regular expression (RE2) that the reply matches"},
				latencyAttribute(),
			},
		}}},
	}
}
