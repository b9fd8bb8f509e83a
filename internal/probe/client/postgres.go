package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Postgres says how a PostgreSQL server is reached, as libpq's connection parameters of the same names do. What is empty
// comes from where psql takes it: PGUSER, PGPASSWORD, the password file.
type Postgres struct {
	Hosts              []string `json:"hosts"`
	Database           string   `json:"database"`
	User               string   `json:"user"`
	Password           string   `json:"password"`
	TargetSessionAttrs string   `json:"target_session_attrs"`
	Resolver           string   `json:"resolver"`
	TLS                *TLS     `json:"tls"`
}

// PostgresAttributes describe Postgres, but for its tls block.
func PostgresAttributes() []sdk.Attribute {
	return []sdk.Attribute{
		{Name: "hosts", Type: sdk.StringList, Required: true, Doc: "Servers, tried in this order: \"host:port\", or the folder of a Unix socket. The port is 5432 where none is given"},
		{Name: "database", Type: sdk.String, Doc: "Database. Default: PGDATABASE, or the name of the user"},
		{Name: "user", Type: sdk.String, Doc: "User. Default: PGUSER, or the name of the system's user"},
		{Name: "password", Type: sdk.String, Sensitive: true, Doc: "Password of user. Default: PGPASSWORD, or the password file"},
		TargetSessionAttrs("any"), ResolverAttribute(),
	}
}

// TargetSessionAttrs describes the attribute by which a client follows a failover.
func TargetSessionAttrs(otherwise any) sdk.Attribute {
	return sdk.Attribute{Name: "target_session_attrs", Type: sdk.String, Default: otherwise,
		OneOf: []string{"any", "read-write", "read-only", "primary", "standby", "prefer-standby"},
		Doc:   "Which of the servers will do, as in libpq. With several hosts, read-write or primary follows a failover. Each connection is asked, which takes a round trip"}
}

// Pool makes a pool that opens no connection yet. keep says whether connections are used again.
func (p Postgres) Pool(keep bool) (*PostgresPool, error) {
	config, err := p.config()
	if err != nil {
		return nil, err
	}
	dialer, err := NewDialer(p.Resolver)
	if err != nil {
		return nil, err
	}
	return newPostgresPool(config, dialer, keep), nil
}

// config is the driver's. It must come from the driver's parser, which is told everything that the environment could
// otherwise change.
func (p Postgres) config() (*pgx.ConnConfig, error) {
	if len(p.Hosts) == 0 {
		return nil, errors.New("hosts must name a server")
	}
	var hosts, ports []string
	for _, h := range p.Hosts {
		host, port, err := splitHost(h)
		if err != nil {
			return nil, err
		}
		hosts, ports = append(hosts, host), append(ports, port)
	}
	settings := []string{"host=" + quoted(strings.Join(hosts, ",")), "port=" + quoted(strings.Join(ports, ",")), "sslmode=disable", "application_name=gameday"}
	for name, value := range map[string]string{"user": p.User, "dbname": p.Database} {
		if value != "" {
			settings = append(settings, name+"="+quoted(value))
		}
	}
	target := p.TargetSessionAttrs
	if target == "" {
		target = "any"
	}
	c, err := pgx.ParseConfig(strings.Join(append(settings, "target_session_attrs="+quoted(target)), " "))
	if err != nil {
		return nil, fmt.Errorf("reading the connection parameters: %w", err)
	}
	if p.Password != "" {
		c.Password = p.Password
	}
	return c, p.secure(&c.Config)
}

// secure puts TLS on every connection that is not over a Unix socket. Without a tls block there is none: what is not
// verified is not secure.
func (p Postgres) secure(c *pgconn.Config) error {
	if p.TLS == nil {
		return nil
	}
	config, err := p.TLS.Config()
	if err != nil {
		return err
	}
	if config.ServerName == "" && !strings.HasPrefix(c.Host, "/") {
		config.ServerName = c.Host
	}
	if !strings.HasPrefix(c.Host, "/") {
		c.TLSConfig = config
	}
	for _, f := range c.Fallbacks {
		if strings.HasPrefix(f.Host, "/") {
			continue
		}
		f.TLSConfig = config.Clone()
		if p.TLS.ServerName == "" {
			f.TLSConfig.ServerName = f.Host
		}
	}
	return nil
}

func splitHost(s string) (host, port string, err error) {
	host, port = s, "5432"
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		if strings.HasPrefix(s, "/") {
			host, port = s[:i], s[i+1:]
		} else if host, port, err = net.SplitHostPort(s); err != nil {
			return "", "", fmt.Errorf("hosts must be \"host:port\": %w", err)
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" || strings.ContainsAny(host, ", '\\\t\n") {
		return "", "", fmt.Errorf("hosts must be \"host:port\", not %q", s)
	}
	return host, port, nil
}

// quoted writes a value for a libpq connection string.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// share is how long one of the servers may take to let us in, so that one that is silent leaves time for the next.
func share(ctx context.Context, servers int) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok || servers < 2 {
		return 0
	}
	return max(time.Millisecond, time.Until(deadline)/time.Duration(servers))
}

// ClassifyPostgres says what kind of failure an error of PostgreSQL is. A server that answers with an error of its own is
// there: that is Status, except where the answer is that nobody is let in, or that the connection is over.
func ClassifyPostgres(err error) sample.Class {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		class := Classify(err)
		switch {
		case class != sample.Other:
		case errors.Is(err, pgconn.ErrConnClosed): // by the other side: the driver forgets how it found out
			return sample.Reset
		case strings.Contains(err.Error(), "tls error"):
			return sample.TLS
		}
		return class
	}
	switch {
	case answer.Code == "53300", answer.Code == "57P03": // too many connections; starting up or shutting down
		return sample.Refused
	case answer.Code == "57P01", answer.Code == "57P02", strings.HasPrefix(answer.Code, "08"): // shut down, crashed, connection lost
		return sample.Reset
	case answer.Code == "57014": // cut by a timeout of the server's
		return sample.Timeout
	}
	return sample.Status
}
