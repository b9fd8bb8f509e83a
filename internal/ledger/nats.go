package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A nats ledger publishes each record to a JetStream subject and takes the stream's acknowledgement for its own. It reads
// back with a consumer, whose place is with the stream's leader: a direct get may be answered by a replica that lags.

type natsConfig struct {
	URLs     []string    `json:"urls"`
	Subject  string      `json:"subject"`
	Stream   string      `json:"stream"`
	Domain   string      `json:"domain"`
	User     string      `json:"user"`
	Password string      `json:"password"`
	Token    string      `json:"token"`
	Workers  int         `json:"workers"`
	Resolver string      `json:"resolver"`
	TLS      *client.TLS `json:"tls"`
	Read     *struct {
		URLs   []string `json:"urls"`
		Stream string   `json:"stream"`
		Domain string   `json:"domain"`
	} `json:"read"`
}

type natsStore struct {
	natsConfig
	dialer      *client.Dialer
	write, read *natsLink
}

func newNATS(cfg json.RawMessage, env Env) (Store, error) {
	var c natsConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the nats ledger: %w", err)
	}
	if len(c.URLs) == 0 || c.Subject == "" {
		return nil, errors.New("a nats ledger needs urls and a subject")
	}
	if strings.ContainsAny(c.Subject, "*> \t") {
		return nil, fmt.Errorf("subject must name one subject, not %q", c.Subject)
	}
	if c.Resolver == "" {
		c.Resolver = env.Resolver
	}
	s := &natsStore{natsConfig: c}
	var err error
	if s.dialer, err = client.NewDialer(c.Resolver); err != nil {
		return nil, err
	}
	options, err := s.options()
	if err != nil {
		return nil, err
	}
	s.write = &natsLink{urls: c.URLs, domain: c.Domain, options: options}
	s.read = s.write
	if r := c.Read; r != nil {
		s.read = &natsLink{urls: c.URLs, domain: r.Domain, options: options}
		if len(r.URLs) > 0 {
			s.read.urls = r.URLs
		}
		s.Stream = r.Stream
	}
	return s, nil
}

// options make a client that notices a frozen server within a second and never gives up. Without a reconnect buffer, what
// cannot be sent now is an error now, and is not sent minutes later.
func (s *natsStore) options() ([]nats.Option, error) {
	o := []nats.Option{
		nats.Name("gameday ledger"), nats.SetCustomDialer(natsDialer{s.dialer}),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond), nats.ReconnectJitter(10*time.Millisecond, 10*time.Millisecond),
		nats.Timeout(natsDialTimeout), nats.PingInterval(500 * time.Millisecond), nats.MaxPingsOutstanding(2), nats.ReconnectBufSize(-1),
	}
	if s.Token != "" {
		o = append(o, nats.Token(s.Token))
	}
	if s.User != "" {
		o = append(o, nats.UserInfo(s.User, s.Password))
	}
	if s.TLS != nil {
		config, err := s.TLS.Config()
		if err != nil {
			return nil, err
		}
		o = append(o, nats.Secure(config))
	}
	return o, nil
}

const natsDialTimeout = time.Second

// natsDialer dials for nats.go, which has no context to offer.
type natsDialer struct{ dialer *client.Dialer }

func (d natsDialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), natsDialTimeout)
	defer cancel()
	return d.dialer.DialContext(ctx, network, address)
}

// natsLink is a connection that is made when it is first needed, and then kept.
type natsLink struct {
	urls    []string
	domain  string
	options []nats.Option

	mu   sync.Mutex
	conn *nats.Conn
	js   jetstream.JetStream
}

var errNotConnected = errors.New("not connected")

func (l *natsLink) jetStream() (jetstream.JetStream, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		conn, err := nats.Connect(strings.Join(l.urls, ","), l.options...)
		if err != nil {
			return nil, fmt.Errorf("connecting to NATS: %w", err)
		}
		l.conn = conn
		if l.domain == "" {
			l.js, err = jetstream.New(conn)
		} else {
			l.js, err = jetstream.NewWithDomain(conn, l.domain)
		}
		if err != nil {
			return nil, fmt.Errorf("connecting to JetStream: %w", err)
		}
	}
	if !l.conn.IsConnected() {
		if err := l.conn.LastError(); err != nil {
			return nil, fmt.Errorf("%w: %w", errNotConnected, err)
		}
		return nil, errNotConnected
	}
	return l.js, nil
}

func (l *natsLink) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		l.conn.Close()
	}
}

func (s *natsStore) Workers() int { return s.natsConfig.Workers }

func (s *natsStore) Close() error {
	s.write.close()
	s.read.close()
	s.dialer.Close()
	return nil
}

func (s *natsStore) Write(ctx context.Context, e Entry) (record.Outcome, string) {
	body, err := json.Marshal(e)
	if err != nil {
		return record.Fail, err.Error()
	}
	js, err := s.write.jetStream()
	if err != nil {
		return record.Fail, err.Error()
	}
	if _, err = js.Publish(ctx, s.Subject, body, jetstream.WithRetryAttempts(0)); err == nil {
		return record.OK, ""
	}
	if notApplied(err) {
		return record.Fail, err.Error()
	}
	return record.Info, err.Error()
}

// notApplied says whether an error of a publication promises that the record was not stored: nobody received it, it did
// not leave this process, or the stream refused it.
func notApplied(err error) bool {
	var api jetstream.JetStreamError
	if errors.As(err, &api) && api.APIError() != nil {
		return api.APIError().Code/100 == 4
	}
	for _, target := range []error{jetstream.ErrNoStreamResponse, nats.ErrNoResponders, nats.ErrReconnectBufExceeded,
		nats.ErrConnectionClosed, nats.ErrConnectionReconnecting, nats.ErrMaxPayload} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func natsSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Publishes records to a NATS JetStream subject and reads the stream back.",
		Attributes: []sdk.Attribute{
			{Name: "urls", Type: sdk.StringList, Required: true, Doc: "Servers: nats://host:4222"},
			{Name: "subject", Type: sdk.String, Required: true, Doc: "Subject that a stream stores"},
			{Name: "stream", Type: sdk.String, Doc: "Stream to read back from. Default: the one that stores the subject"},
			{Name: "domain", Type: sdk.String, Doc: "JetStream domain"},
			{Name: "user", Type: sdk.String, Doc: "User name"},
			{Name: "password", Type: sdk.String, Sensitive: true, Doc: "Password of user"},
			{Name: "token", Type: sdk.String, Sensitive: true, Doc: "Token to authenticate with"},
			{Name: "workers", Type: sdk.Number, Doc: "Attempts that may be open at once. Default: as many as the rate and the timeout can need"},
			client.ResolverAttribute(),
		},
		Blocks: []sdk.Block{
			{Name: "read", Max: 1, Schema: sdk.Schema{
				Doc: "Where records are read back, when that is not where they are written.",
				Attributes: []sdk.Attribute{
					{Name: "urls", Type: sdk.StringList, Doc: "Servers. Default: those written to"},
					{Name: "stream", Type: sdk.String, Doc: "Stream. Default: the one that stores the subject there"},
					{Name: "domain", Type: sdk.String, Doc: "JetStream domain"},
				},
			}},
			client.TLSBlock(),
		},
	}
}
