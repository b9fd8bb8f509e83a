package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type postgresConfig struct {
	client.Postgres
	Query     string `json:"query"`
	KeepAlive *bool  `json:"keepalive"`
	Expect    struct {
		Rows  *int64  `json:"rows"`
		Value *string `json:"value"`
		Regex string  `json:"regex"`
	} `json:"expect"`
}

// postgresProber sends one statement in one message, which needs no prepared statement on the server: a pooler in between
// may give each question to another one.
type postgresProber struct {
	pool  *client.PostgresPool
	query string
	rows  *int64
	value *string
	regex *regexp.Regexp
}

func newPostgres(cfg json.RawMessage, env Env) (Prober, error) {
	var c postgresConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the postgres probe: %w", err)
	}
	c.Resolver = env.resolver(c.Resolver)
	p := &postgresProber{query: orDefault(c.Query, "SELECT 1"), rows: c.Expect.Rows, value: c.Expect.Value}
	var err error
	if c.Expect.Regex != "" {
		if p.regex, err = regexp.Compile(c.Expect.Regex); err != nil {
			return nil, fmt.Errorf("reading expect.regex: %w", err)
		}
	}
	p.pool, err = c.Pool(c.KeepAlive == nil || *c.KeepAlive)
	return p, err
}

func (p *postgresProber) Close() error {
	p.pool.Close()
	return nil
}

func (p *postgresProber) Probe(ctx context.Context) Answer {
	conn, err := p.pool.Get(ctx)
	if err != nil {
		return p.failed(ctx, err)
	}
	results, err := conn.PgConn().Exec(ctx, p.query).ReadAll()
	p.pool.Put(conn)
	if err != nil {
		return p.failed(ctx, err)
	}
	return p.judge(results)
}

// failed leaves out what a server adds to its message: the rows that it is about.
func (p *postgresProber) failed(ctx context.Context, err error) Answer {
	var answer *pgconn.PgError
	class := client.ClassifyPostgres(err)
	switch {
	case errors.As(err, &answer):
		return bad(class, "%s %s: %s", answer.Severity, answer.Code, answer.Message)
	case ctx.Err() != nil && p.pool.Waiting():
		return bad(sample.DNS, "looking up the server: no answer in time")
	case ctx.Err() != nil && class != sample.DNS && class != sample.NoSlot:
		class = sample.Timeout
	}
	return Answer{Class: class, Detail: err.Error()}
}

// judge looks at the last statement's result: what comes before it (SET, BEGIN) is on the way.
func (p *postgresProber) judge(results []*pgconn.Result) Answer {
	if len(results) == 0 {
		return bad(sample.Body, "no result")
	}
	last := results[len(results)-1]
	if n := last.CommandTag.RowsAffected(); p.rows != nil && n != *p.rows {
		return bad(sample.Body, "%d rows, and not %d", n, *p.rows)
	}
	if p.value == nil && p.regex == nil {
		return good()
	}
	if len(last.Rows) == 0 || len(last.Rows[0]) == 0 {
		return bad(sample.Body, "no value")
	}
	value := last.Rows[0][0]
	if p.value != nil && (value == nil || string(value) != *p.value) || p.regex != nil && !p.regex.Match(value) {
		return bad(sample.Body, "the value is %d bytes, which are not what is expected", len(value))
	}
	return good()
}

func postgresSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Sends a statement to a PostgreSQL server. Without a tls block the connection is not encrypted.",
		Attributes: append([]sdk.Attribute{
			{Name: "query", Type: sdk.String, Default: "SELECT 1", Doc: "Statement, or several with semicolons between them, which then are one transaction. It is sent as it is, and must be fit to be repeated"},
			{Name: "keepalive", Type: sdk.Bool, Default: true, Doc: "Use connections again, as a pool does. false: each question connects anew"},
		}, client.PostgresAttributes()...),
		Blocks: []sdk.Block{client.TLSBlock(), {Name: "expect", Max: 1, Schema: sdk.Schema{
			Doc: "What a good answer is, for the last statement. Default: there was no error.",
			Attributes: []sdk.Attribute{
				{Name: "rows", Type: sdk.Number, Doc: "Rows that are returned, or changed"},
				{Name: "value", Type: sdk.String, Doc: "First column of the first row, as text"},
				{Name: "regex", Type: sdk.String, Doc: "Regular expression (RE2) that the first column of the first row matches"},
				latencyAttribute(),
			},
		}}},
	}
}
