package archive

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
)

// Migrations are numbered files that only ever grow in number: what was released is never changed. The number of the last
// one that was applied is in the table schema_version. An archive that a newer gameday has changed is left alone.

//go:embed migrations/*.sql
var migrationFiles embed.FS

// lockKey makes processes that migrate the same PostgreSQL database wait for each other. SQLite needs none: its
// transactions are begun as writers.
const lockKey = 0x67616d65646179 // "gameday"

func (a *Archive) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	if version, err := a.version(ctx, a.db); err == nil && version == len(names) {
		return nil // the usual case takes no lock
	}
	return a.change(ctx, func(tx *sql.Tx) error {
		if a.postgres {
			if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lockKey)); err != nil {
				return err
			}
		}
		return a.upgrade(ctx, tx, names)
	})
}

func (a *Archive) upgrade(ctx context.Context, tx *sql.Tx, names []string) error {
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"); err != nil {
		return err
	}
	version, err := a.version(ctx, tx)
	if err != nil {
		return err
	}
	if version > len(names) {
		return fmt.Errorf("a newer gameday has made it (schema %d, and this one knows %d): update gameday", version, len(names))
	}
	for _, name := range names[version:] {
		b, err := migrationFiles.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(b)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if version == len(names) {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM schema_version"); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, a.sql("INSERT INTO schema_version (version) VALUES (?)"), len(names))
	return err
}

// querier is a database, or a transaction in it.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (a *Archive) version(ctx context.Context, q querier) (version int, err error) {
	err = q.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM schema_version").Scan(&version)
	return version, err
}
