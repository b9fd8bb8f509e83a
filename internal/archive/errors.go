package archive

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// Error is what went wrong with an archive: it names the archive, and says each thing once.
type Error struct {
	Act   string // "reading the archive"
	Where string // for people, without a password
	Err   error
}

// Error is one line. A PostgreSQL client that tries an address with and without TLS has the same to say about both.
func (e *Error) Error() string {
	var said []string
	for _, line := range strings.Split(e.Err.Error(), "\n") {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	return fmt.Sprintf("%s %s: %s", e.Act, e.Where, strings.Join(said, " "))
}

func (e *Error) Unwrap() error { return e.Err }

// RecordError says that what is kept of one run cannot be read.
type RecordError struct {
	Run, Where string
	Err        error
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("the record of the run %s in the archive %s is damaged: %v", e.Run, e.Where, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// fail says what could not be done, and with which archive.
func (a *Archive) fail(act string, err error) error {
	var record *RecordError
	if errors.As(err, &record) {
		return err // it says all that
	}
	return &Error{Act: act, Where: a.where, Err: err}
}

// Remedy says what helps against an error of an archive; empty where nothing is known to.
func Remedy(err error) string {
	var record *RecordError
	if errors.As(err, &record) {
		return fmt.Sprintf("`gameday archive add DIR`, with the directory of that run, writes it anew; if that is gone, delete from runs where id = '%s'", record.Run)
	}
	var e *Error
	var lite *sqlite.Error
	var pg *pgconn.ConnectError
	switch {
	case !errors.As(err, &e):
		return ""
	case errors.As(err, &pg):
		return "see that the server answers, and that the URL is right: it is said by GAMEDAY_ARCHIVE or the project file"
	case !errors.As(err, &lite):
		return ""
	}
	switch lite.Code() & 0xff { // the rest of the code is about details
	case lib.SQLITE_NOTADB, lib.SQLITE_CORRUPT:
		return fmt.Sprintf("move %s aside, then `gameday archive add` with the directory of every run makes it anew; what was decided about the backlog is in no run: `sqlite3 FILE .recover` may find it", e.Where)
	case lib.SQLITE_READONLY:
		return fmt.Sprintf("you may read %s and not write it: ask its owner, or name another one by GAMEDAY_ARCHIVE", e.Where)
	}
	return ""
}
