package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/gomodule/redigo/redis"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type redisConfig struct {
	client.Redis
	Command   []string `json:"command"`
	KeepAlive *bool    `json:"keepalive"`
	Expect    struct {
		Value *string `json:"value"`
		Regex string  `json:"regex"`
	} `json:"expect"`
}

type redisProber struct {
	pool    *client.RedisPool
	command string
	args    []any
	value   *string
	regex   *regexp.Regexp
}

func newRedis(cfg json.RawMessage, env Env) (Prober, error) {
	var c redisConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the redis probe: %w", err)
	}
	c.Resolver = env.resolver(c.Resolver)
	p := &redisProber{command: "PING", value: c.Expect.Value}
	for i, word := range c.Command {
		if i == 0 {
			p.command = word
		} else {
			p.args = append(p.args, word)
		}
	}
	if p.command == "" {
		return nil, errors.New("command must name a command")
	}
	var err error
	if c.Expect.Regex != "" {
		if p.regex, err = regexp.Compile(c.Expect.Regex); err != nil {
			return nil, fmt.Errorf("reading expect.regex: %w", err)
		}
	}
	p.pool, err = c.Pool(c.KeepAlive == nil || *c.KeepAlive)
	return p, err
}

func (p *redisProber) Close() error {
	p.pool.Close()
	return nil
}

func (p *redisProber) Probe(ctx context.Context) Answer {
	conn, err := p.pool.Get(ctx)
	if err != nil {
		return p.failed(ctx, err)
	}
	reply, err := conn.Do(p.command, p.args...)
	p.pool.Put(conn)
	if err != nil {
		return p.failed(ctx, err)
	}
	if p.value == nil && p.regex == nil {
		return good()
	}
	text, err := redis.String(reply, nil)
	if n, ok := reply.(int64); ok {
		text, err = fmt.Sprint(n), nil
	}
	if err != nil {
		return bad(sample.Body, "the reply is no single value")
	}
	if p.value != nil && text != *p.value || p.regex != nil && !p.regex.MatchString(text) {
		return bad(sample.Body, "the reply is %d bytes, which are not what is expected", len(text))
	}
	return good()
}

func (p *redisProber) failed(ctx context.Context, err error) Answer {
	class := client.ClassifyRedis(err)
	var answer redis.Error
	switch {
	case errors.As(err, &answer):
	case ctx.Err() != nil && p.pool.Waiting():
		return bad(sample.DNS, "looking up the server: no answer in time")
	case ctx.Err() != nil && class != sample.DNS && class != sample.NoSlot:
		class = sample.Timeout
	}
	return Answer{Class: class, Detail: err.Error()}
}

func redisSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Sends a command to a Redis server. Without a tls block the connection is not encrypted.",
		Attributes: append([]sdk.Attribute{
			{Name: "command", Type: sdk.StringList, Doc: "Command and arguments. It must be fit to be repeated. Default: PING"},
			{Name: "keepalive", Type: sdk.Bool, Default: true, Doc: "Use connections again, as a pool does. false: each question connects anew"},
		}, client.RedisAttributes()...),
		Blocks: []sdk.Block{client.TLSBlock(), {Name: "expect", Max: 1, Schema: sdk.Schema{
			Doc: "What a good answer is. Default: the reply is no error.",
			Attributes: []sdk.Attribute{
				{Name: "value", Type: sdk.String, Doc: "Reply, as text"},
				{Name: "regex", Type: sdk.String, Doc: "Regular expression (RE2) that the reply matches"},
				latencyAttribute(),
			},
		}}},
	}
}
