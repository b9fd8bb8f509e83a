package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A postgres ledger inserts each record in a transaction of its own, and takes the answer to the commit for its
// acknowledgement. What that promises is synchronous_commit's business: with the default and a synchronous standby, two
// servers have the record; with an asynchronous one, the primary alone.

type postgresConfig struct {
	client.Postgres
	Table   string `json:"table"`
	Create  *bool  `json:"create"`
	Commit  string `json:"synchronous_commit"`
	Workers int    `json:"workers"`
	Read    *struct {
		Hosts              []string `json:"hosts"`
		TargetSessionAttrs string   `json:"target_session_attrs"`
	} `json:"read"`
}

type postgresStore struct {
	table       string // quoted
	create      bool
	commit      string // the setting, where it is ours
	insert      string
	workers     int
	write, read *client.PostgresPool

	making sync.Mutex // of the table
	made   bool

	asking  sync.Once // about the promise
	promise atomic.Value
}

const defaultTable = "gameday_ledger"

func newPostgres(cfg json.RawMessage, env Env) (Store, error) {
	var c postgresConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the postgres ledger: %w", err)
	}
	if c.Resolver == "" {
		c.Resolver = env.Resolver
	}
	if c.Table == "" {
		c.Table = defaultTable
	}
	s := &postgresStore{commit: c.Commit, table: pgx.Identifier(strings.Split(c.Table, ".")).Sanitize(), create: c.Create == nil || *c.Create, workers: c.Workers}
	if err := s.prepare(c.Commit); err != nil {
		return nil, err
	}
	var err error
	if s.write, err = c.Pool(true); err != nil {
		return nil, err
	}
	s.read = s.write
	if r := c.Read; r != nil {
		from := c.Postgres
		if len(r.Hosts) > 0 {
			from.Hosts = r.Hosts
		}
		if r.TargetSessionAttrs != "" {
			from.TargetSessionAttrs = r.TargetSessionAttrs
		}
		s.read, err = from.Pool(true)
	}
	return s, err
}

// prepare writes the statement. It travels in one message and is one transaction, so that the setting is good for this
// record and no other, whatever pooler is in between.
func (s *postgresStore) prepare(commit string) error {
	s.insert = "INSERT INTO " + s.table + " (run, seq, worker, written) VALUES ($1, $2, $3, $4)"
	switch commit {
	case "":
	case "off", "local", "remote_write", "on", "remote_apply":
		s.insert = "SET LOCAL synchronous_commit TO " + commit + "; " + s.insert
	default:
		return fmt.Errorf("synchronous_commit: there is no such setting %q", commit)
	}
	return nil
}

func (s *postgresStore) Workers() int { return s.workers }

func (s *postgresStore) Close() error {
	s.write.Close()
	if s.read != s.write {
		s.read.Close()
	}
	return nil
}

// Write inserts the record. Without a connection nothing was sent.
func (s *postgresStore) Write(ctx context.Context, e Entry) (record.Outcome, string) {
	conn, err := s.write.Get(ctx)
	if err != nil {
		return record.Fail, err.Error()
	}
	if ctx.Err() != nil {
		s.write.Put(conn)
		return record.Fail, ctx.Err().Error()
	}
	err = s.add(ctx, conn, e)
	if missing(err) && s.create {
		if err = s.makeTable(ctx, conn); err == nil {
			err = s.add(ctx, conn, e)
		}
	}
	if err == nil {
		s.asking.Do(func() { s.ask(ctx, conn) })
	}
	s.write.Put(conn)
	if err == nil {
		return record.OK, ""
	}
	if refused(err) {
		return record.Fail, plainly(err)
	}
	return record.Info, plainly(err)
}

func (s *postgresStore) add(ctx context.Context, conn *pgx.Conn, e Entry) error {
	_, err := conn.Exec(ctx, s.insert, pgx.QueryExecModeSimpleProtocol, e.Run, int64(e.Seq), int32(e.Worker), e.Time)
	return err
}

// ask lets the server that acknowledged the first record say what that means. The record stays acknowledged if it does not.
func (s *postgresStore) ask(ctx context.Context, conn *pgx.Conn) {
	var commit, standbys string
	err := conn.QueryRow(ctx, "SELECT current_setting('synchronous_commit'), current_setting('synchronous_standby_names')",
		pgx.QueryExecModeSimpleProtocol).Scan(&commit, &standbys)
	if err != nil {
		return
	}
	s.promise.Store(promise(cmp.Or(s.commit, commit), standbys))
}

func promise(commit, standbys string) string {
	how := fmt.Sprintf(" (synchronous_commit = %s, synchronous_standby_names = '%s')", commit, standbys)
	switch {
	case commit == "off":
		return "asynchronous: an acknowledged record was in the memory of the primary" + how
	case commit == "local" || standbys == "":
		return "asynchronous: an acknowledged record was on the disk of the primary" + how
	case commit == "remote_write":
		return "synchronous: an acknowledged record was on the disk of the primary and in the memory of a synchronous standby" + how
	}
	return "synchronous: an acknowledged record was on the disk of the primary and of a synchronous standby" + how
}

// Promise is what the server said when the first record was acknowledged.
func (s *postgresStore) Promise() string {
	said, _ := s.promise.Load().(string)
	return said
}

// refused says whether an error promises that the record was not stored. An ERROR is the server's word that the
// transaction was rolled back. FATAL and PANIC end the session, and do not say whether the commit had been written by then;
// nor do two errors of those who stand between, and those of class 08.
func refused(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) { // the driver's SafeToRetry is true of a connection that was closed after the statement was sent
		return false
	}
	severity := answer.SeverityUnlocalized
	if severity == "" { // servers before 9.6
		severity = answer.Severity
	}
	unknown := answer.Code == "40003" || strings.HasPrefix(answer.Code, "08")
	return severity == "ERROR" && !unknown
}

// missing says that there is no such table: nothing was done.
func missing(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.Code == "42P01"
}

// plainly leaves out what a server adds to its message: the row that it is about.
func plainly(err error) string {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return fmt.Sprintf("%s %s: %s", answer.Severity, answer.Code, answer.Message)
	}
	return err.Error()
}

// makeTable makes the table once. Whoever comes second finds it.
func (s *postgresStore) makeTable(ctx context.Context, conn *pgx.Conn) error {
	s.making.Lock()
	defer s.making.Unlock()
	if s.made {
		return nil
	}
	_, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+s.table+` (
	run     text        NOT NULL,
	seq     bigint      NOT NULL,
	worker  integer     NOT NULL,
	written timestamptz NOT NULL,
	PRIMARY KEY (run, seq))`)
	s.made = err == nil
	return err
}

// Read gives one page; the cursor is the number of its last record. A table that is not there holds nothing: there was no
// record yet, or all of them are lost.
func (s *postgresStore) Read(ctx context.Context, run, cursor string) (Page, error) {
	after := int64(-1)
	if cursor != "" {
		var err error
		if after, err = strconv.ParseInt(cursor, 10, 64); err != nil {
			return Page{}, &FinalError{fmt.Errorf("reading the cursor: %w", err)}
		}
	}
	conn, err := s.read.Get(ctx)
	if err != nil {
		return Page{}, err
	}
	page, err := s.page(ctx, conn, run, after)
	s.read.Put(conn)
	if missing(err) {
		return Page{}, nil
	}
	return page, err
}

func (s *postgresStore) page(ctx context.Context, conn *pgx.Conn, run string, after int64) (Page, error) {
	rows, err := conn.Query(ctx, "SELECT seq, worker, written FROM "+s.table+" WHERE run = $1 AND seq > $2 ORDER BY seq LIMIT $3",
		pgx.QueryExecModeSimpleProtocol, run, after, pageLimit)
	if err != nil {
		return Page{}, err
	}
	var page Page
	var seq int64
	var worker uint16
	var written time.Time
	_, err = pgx.ForEachRow(rows, []any{&seq, &worker, &written}, func() error {
		page.Entries = append(page.Entries, Entry{Run: run, Seq: uint64(seq), Worker: worker, Time: written})
		return nil
	})
	if err != nil {
		return Page{}, err
	}
	if len(page.Entries) == pageLimit {
		page.Next = strconv.FormatInt(seq, 10)
	}
	return page, nil
}

func postgresSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Inserts records into a table of a PostgreSQL server and reads the table back. Without a tls block the connection is not encrypted.",
		Attributes: append([]sdk.Attribute{
			{Name: "table", Type: sdk.String, Default: defaultTable, Doc: "Table, or schema.table, with the columns run text, seq bigint, worker integer, written timestamptz. Records stay in it when the run is over"},
			{Name: "create", Type: sdk.Bool, Default: true, Doc: "Create the table where there is none"},
			{Name: "synchronous_commit", Type: sdk.String, OneOf: []string{"off", "local", "remote_write", "on", "remote_apply"},
				Doc: "What a commit waits for, as the server's setting of that name. Default: what the server has set. Whether there is a standby to wait for is up to the server's synchronous_standby_names"},
			{Name: "workers", Type: sdk.Number, Doc: "Attempts that may be open at once, each on a connection of its own. Default: as many as the rate and the timeout can need"},
		}, client.PostgresAttributes()...),
		Blocks: []sdk.Block{
			{Name: "read", Max: 1, Schema: sdk.Schema{
				Doc: "Where records are read back, when that is not where they are written.",
				Attributes: []sdk.Attribute{
					{Name: "hosts", Type: sdk.StringList, Doc: "Servers. Default: those written to"},
					client.TargetSessionAttrs(nil),
				},
			}},
			client.TLSBlock(),
		},
	}
}
