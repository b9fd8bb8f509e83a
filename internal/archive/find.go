package archive

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Filter says which runs are wanted. What is zero does not matter.
type Filter struct {
	Scenario, Service, Environment, Verdict, Commit, Label, Tag string
	Since, Until                                                time.Time
	Newest                                                      int // only so many, the newest
	Want                                                        func(Run) bool
}

// Runs lists runs, the newest first.
func (a *Archive) Runs(ctx context.Context, f Filter) ([]Run, error) {
	query, args := f.query()
	rows, err := a.db.QueryContext(ctx, a.sql(query), args...)
	if err != nil {
		return nil, a.fail("reading the archive", err)
	}
	defer rows.Close()
	out := []Run{}
	for rows.Next() && (f.Newest == 0 || len(out) < f.Newest) {
		r, err := a.scanRun(rows.Scan)
		if err != nil {
			return nil, a.fail("reading the archive", err)
		}
		if (f.Tag == "" || slices.Contains(r.Tags, f.Tag)) && (f.Want == nil || f.Want(r)) {
			out = append(out, r)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, a.fail("reading the archive", err)
	}
	return out, nil
}

func (f Filter) query() (query string, args []any) {
	query = "SELECT id, label, commit_hash, body FROM runs"
	word := " WHERE "
	add := func(cond string, arg any) {
		query, word, args = query+word+cond, " AND ", append(args, arg)
	}
	for _, c := range [][2]string{{"scenario", f.Scenario}, {"service", f.Service}, {"environment", f.Environment}, {"verdict", f.Verdict}, {"commit_hash", f.Commit}, {"label", f.Label}} {
		if c[1] != "" {
			add(c[0]+" = ?", c[1])
		}
	}
	if !f.Since.IsZero() {
		add("started >= ?", f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		add("started < ?", f.Until.UnixMilli())
	}
	return query + " ORDER BY started DESC, id DESC", args
}

// scanRun gives of a damaged record what is beside it.
func (a *Archive) scanRun(scan func(...any) error) (r Run, err error) {
	var body string
	var beside Run
	if err := scan(&beside.ID, &beside.Label, &beside.Commit, &body); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return beside, &RecordError{Run: beside.ID, Where: a.where, Err: err}
	}
	return r, nil
}

func (a *Archive) get(ctx context.Context, q querier, id string) (Run, error) {
	return a.scanRun(q.QueryRowContext(ctx, a.sql("SELECT id, label, commit_hash, body FROM runs WHERE id = ?"), id).Scan)
}

// NotFoundError says that there is no such run, or more than one.
type NotFoundError struct {
	Ref   string
	Found []string // the runs that it may be
}

func (e *NotFoundError) Error() string {
	if len(e.Found) == 0 {
		return fmt.Sprintf("there is no run %q in the archive", e.Ref)
	}
	return fmt.Sprintf("%q may be any of %d runs: %s", e.Ref, len(e.Found), strings.Join(e.Found[:min(3, len(e.Found))], ", "))
}

// Run finds one run by its ID, by a beginning of it, or by its last four letters, if no other has the same.
func (a *Archive) Run(ctx context.Context, ref string) (*Run, error) {
	r, err := a.get(ctx, a.db, ref)
	if err == nil {
		return &r, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, a.fail("reading the archive", err)
	}
	ids, err := a.like(ctx, ref)
	if err != nil {
		return nil, a.fail("reading the archive", err)
	}
	if len(ids) != 1 {
		return nil, &NotFoundError{Ref: ref, Found: ids}
	}
	if r, err = a.get(ctx, a.db, ids[0]); err != nil {
		return nil, a.fail("reading the archive", err)
	}
	return &r, nil
}

func (a *Archive) like(ctx context.Context, ref string) (ids []string, err error) {
	if ref == "" || strings.ContainsAny(ref, "%_") {
		return nil, nil
	}
	rows, err := a.db.QueryContext(ctx, a.sql("SELECT id FROM runs WHERE id LIKE ? OR id LIKE ? ORDER BY id DESC"), ref+"%", "%-"+ref)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Plan gives the plan with a hash; nil where the archive has none.
func (a *Archive) Plan(ctx context.Context, hash string) (*plan.Plan, error) {
	var body string
	err := a.db.QueryRowContext(ctx, a.sql("SELECT body FROM plans WHERE hash = ?"), hash).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	p := &plan.Plan{}
	if err == nil {
		err = json.Unmarshal([]byte(body), p)
	}
	if err != nil {
		return nil, a.fail("reading a plan from the archive", err)
	}
	return p, nil
}
