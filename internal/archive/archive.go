package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// An archive is a database: SQLite in a file of the user's, or PostgreSQL that a team shares. Both speak the same SQL here;
// only the marks of the parameters differ. Several processes may use one at the same time: every change is one
// transaction that waits for the others, and can be repeated without doing it twice.

// Archive is an open archive.
type Archive struct {
	db       *sql.DB
	postgres bool
	where    string // for people, without a password
}

// Place is where the archive is when nothing else is said: archive.db in gameday's state directory, beside that of the
// environments.
func Place() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gameday", "archive.db"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the archive: %w; set XDG_STATE_HOME", err)
	}
	return filepath.Join(home, ".local", "state", "gameday", "archive.db"), nil
}

// Open opens the archive at a URL: postgres://..., or the path of a SQLite file, which is made where it is missing. The
// schema is brought up to date.
func Open(ctx context.Context, at string) (*Archive, error) {
	a := &Archive{postgres: isPostgres(at)}
	var err error
	if a.postgres {
		err = a.openPostgres(at)
	} else {
		err = a.openFile(fileOf(at))
	}
	if err != nil {
		return nil, err
	}
	if err := a.migrate(ctx); err != nil {
		return nil, errors.Join(a.fail("opening the archive", err), a.db.Close())
	}
	return a, nil
}

func isPostgres(at string) bool {
	return strings.HasPrefix(at, "postgres://") || strings.HasPrefix(at, "postgresql://")
}

func fileOf(at string) string { return strings.TrimPrefix(strings.TrimPrefix(at, "sqlite:"), "//") }

// Missing says that there is no archive yet: Open would make its file. Whether a server has one, only the server knows.
func Missing(at string) bool {
	if isPostgres(at) || strings.Contains(fileOf(at), "://") {
		return false
	}
	_, err := os.Stat(fileOf(at))
	return errors.Is(err, fs.ErrNotExist)
}

// Empty is an archive that nothing is in and that leaves nothing behind, for those who only read what is not there yet.
func Empty(ctx context.Context, at string) (*Archive, error) {
	a := &Archive{where: fileOf(at)}
	var err error
	if a.db, err = sql.Open("sqlite", ":memory:"); err != nil {
		return nil, a.fail("opening the archive", err)
	}
	a.db.SetMaxOpenConns(1) // each connection has a memory of its own
	if err := a.migrate(ctx); err != nil {
		return nil, errors.Join(a.fail("opening the archive", err), a.db.Close())
	}
	return a, nil
}

func (a *Archive) openPostgres(at string) (err error) {
	u, err := url.Parse(at)
	if err != nil {
		return errors.New("the archive's URL is malformed") // what it says holds a password, perhaps
	}
	a.where = u.Redacted()
	if a.db, err = sql.Open("pgx", at); err != nil {
		return fmt.Errorf("opening the archive %s: %w", a.where, err)
	}
	a.db.SetMaxOpenConns(2) // a team's server has better things to do
	return nil
}

// openFile leaves SQLite's journal as it is by default, and not as a write-ahead log, so that the file is the whole archive
// and may lie on a network file system. Who finds it locked waits.
func (a *Archive) openFile(path string) (err error) {
	if strings.Contains(path, "://") {
		return fmt.Errorf("the archive %q is neither a file nor postgres://USER@HOST/DATABASE", scheme(path))
	}
	a.where = path
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the directory of the archive: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("opening the archive: %w", err)
	}
	q := url.Values{"_pragma": {"busy_timeout(10000)", "foreign_keys(1)"}, "_txlock": {"immediate"}}
	a.db, err = sql.Open("sqlite", (&url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}).String())
	if err != nil {
		return fmt.Errorf("opening the archive %s: %w", path, err)
	}
	a.db.SetMaxOpenConns(1)
	return nil
}

func scheme(at string) string {
	name, _, _ := strings.Cut(at, "://")
	return name + "://..."
}

// Where is the archive's place, for people.
func (a *Archive) Where() string { return a.where }

// Close closes the archive.
func (a *Archive) Close() error {
	if err := a.db.Close(); err != nil {
		return fmt.Errorf("closing the archive: %w", err)
	}
	return nil
}

// change does everything in one transaction, or nothing.
func (a *Archive) change(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

// ignoreDone: a transaction whose context has ended is rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// sql writes the parameters as the database wants them: ?, or $1.
func (a *Archive) sql(query string) string {
	if !a.postgres {
		return query
	}
	var b strings.Builder
	n := 0
	for _, r := range query {
		if r == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
