package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A redis ledger appends each record to a list of its run. Redis replicates asynchronously: the primary's answer says
// nothing about the replicas. With replicas set, WAIT asks how many of them have the record, and fewer than that is no
// acknowledgement. It is no promise either: a replica without the record may still be the one that is promoted.

type redisConfig struct {
	client.Redis
	Key      string          `json:"key"`
	Keep     client.Duration `json:"keep"`
	Replicas int             `json:"replicas"`
	Workers  int             `json:"workers"`
	Read     *struct {
		Hosts []string `json:"hosts"`
		Role  string   `json:"role"`
	} `json:"read"`
}

type redisStore struct {
	redisConfig
	write, read *client.RedisPool
}

const (
	defaultKey  = "gameday:ledger"
	defaultKeep = 7 * 24 * time.Hour
)

func newRedis(cfg json.RawMessage, env Env) (Store, error) {
	var c redisConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the redis ledger: %w", err)
	}
	if c.Resolver == "" {
		c.Resolver = env.Resolver
	}
	if c.Key == "" {
		c.Key = defaultKey
	}
	if c.Keep == 0 {
		c.Keep = client.Duration(defaultKeep)
	}
	if c.Keep < client.Duration(time.Second) || c.Replicas < 0 {
		return nil, errors.New("keep must be a second at least, and replicas no less than zero")
	}
	s := &redisStore{redisConfig: c}
	var err error
	if s.write, err = c.Pool(true); err != nil {
		return nil, err
	}
	s.read = s.write
	if r := c.Read; r != nil {
		from := c.Redis
		if len(r.Hosts) > 0 {
			from.Hosts = r.Hosts
		}
		if r.Role != "" {
			from.Role = r.Role
		}
		s.read, err = from.Pool(true)
	}
	return s, err
}

func (s *redisStore) Workers() int { return s.redisConfig.Workers }

func (s *redisStore) Close() error {
	s.write.Close()
	if s.read != s.write {
		s.read.Close()
	}
	return nil
}

// Promise is what the block asks for.
func (s *redisStore) Promise() string {
	if s.Replicas == 0 {
		return "asynchronous: an acknowledged record was in the memory of the server (replicas = 0)"
	}
	return fmt.Sprintf("synchronous: an acknowledged record was in the memory of the server and of %d of its replicas (WAIT)", s.Replicas)
}

func (s *redisStore) list(run string) string { return s.Key + ":" + run }

// Write appends the record. Without a connection nothing was sent, and an error is the server's word that it did nothing.
func (s *redisStore) Write(ctx context.Context, e Entry) (record.Outcome, string) {
	body, err := json.Marshal(e)
	if err != nil {
		return record.Fail, err.Error()
	}
	conn, err := s.write.Get(ctx)
	if err != nil {
		return record.Fail, err.Error()
	}
	defer s.write.Put(conn)
	if err := s.send(ctx, conn, e.Run, body); err != nil {
		return record.Info, err.Error()
	}
	_, err = conn.Receive()
	_, expiry := conn.Receive()
	var refusal redis.Error
	switch {
	case errors.As(err, &refusal):
		s.drain(conn)
		return record.Fail, err.Error()
	case err != nil:
		return record.Info, err.Error()
	case s.Replicas == 0 && expiry == nil:
		return record.OK, ""
	case s.Replicas == 0:
		return record.Info, "stored, but not to be forgotten in time: " + expiry.Error()
	}
	return s.waited(redis.Int(conn.Receive()))
}

// send sends all commands at once: WAIT is about what its own connection has written before.
func (s *redisStore) send(ctx context.Context, conn *client.RedisConn, run string, body []byte) error {
	err := conn.Send("RPUSH", s.list(run), body)
	if err == nil {
		err = conn.Send("EXPIRE", s.list(run), int64(time.Duration(s.Keep).Seconds()))
	}
	if err == nil && s.Replicas > 0 {
		err = conn.Send("WAIT", s.Replicas, patience(ctx).Milliseconds())
	}
	if err == nil {
		err = conn.Flush()
	}
	return err
}

// drain takes the answer to WAIT, so that nobody takes it for his own.
func (s *redisStore) drain(conn *client.RedisConn) {
	if s.Replicas > 0 {
		_, _ = conn.Receive() // it may be an error too, and means nothing now
	}
}

func (s *redisStore) waited(n int, err error) (record.Outcome, string) {
	switch {
	case err != nil:
		return record.Info, "waiting for replicas: " + err.Error()
	case n < s.Replicas:
		return record.Info, fmt.Sprintf("%d of %d replicas have it", n, s.Replicas)
	}
	return record.OK, ""
}

// patience is how long the server may wait for its replicas: less than we do, so that there is an answer. Redis looks at the
// clock ten times a second.
func patience(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Second
	}
	left := time.Until(deadline)
	return max(time.Millisecond, left-min(left/2, 200*time.Millisecond)) // 0 would be for ever
}

// Read gives one page; the cursor is a place in the list.
func (s *redisStore) Read(ctx context.Context, run, cursor string) (Page, error) {
	from := 0
	if cursor != "" {
		var err error
		if from, err = strconv.Atoi(cursor); err != nil {
			return Page{}, &FinalError{fmt.Errorf("reading the cursor: %w", err)}
		}
	}
	conn, err := s.read.Get(ctx)
	if err != nil {
		return Page{}, err
	}
	defer s.read.Put(conn)
	bodies, err := redis.ByteSlices(conn.Do("LRANGE", s.list(run), from, from+pageLimit-1))
	if err != nil {
		return Page{}, err
	}
	var page Page
	for i, b := range bodies {
		if e, err := decodeEntry(b); err == nil {
			page.Entries = append(page.Entries, e)
		} else {
			page.Strange = append(page.Strange, fmt.Sprintf("element %d is not a record: %s", from+i, clip(string(b))))
		}
	}
	if len(bodies) == pageLimit {
		page.Next = strconv.Itoa(from + pageLimit)
	}
	return page, nil
}

func redisSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Appends records to a list of a Redis server and reads the list back. Without a tls block the connection is not encrypted.",
		Attributes: append([]sdk.Attribute{
			{Name: "key", Type: sdk.String, Default: defaultKey, Doc: "The list is this key, a colon, and the ID of the run"},
			{Name: "keep", Type: sdk.Duration, Default: "168h", Doc: "How long the server keeps the list after the last record"},
			{Name: "replicas", Type: sdk.Number, Default: 0, Doc: "Replicas that must have a record for it to count as acknowledged (WAIT). 0: the server's own answer is enough, as it is for most clients"},
			{Name: "workers", Type: sdk.Number, Doc: "Attempts that may be open at once, each on a connection of its own. Default: as many as the rate and the timeout can need"},
		}, client.RedisAttributes()...),
		Blocks: []sdk.Block{
			{Name: "read", Max: 1, Schema: sdk.Schema{
				Doc: "Where records are read back, when that is not where they are written.",
				Attributes: []sdk.Attribute{
					{Name: "hosts", Type: sdk.StringList, Doc: "Servers. Default: those written to"},
					client.RedisRole(nil),
				},
			}},
			client.TLSBlock(),
		},
	}
}
