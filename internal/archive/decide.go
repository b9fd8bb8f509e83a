package archive

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gameday-toolkit/gameday/internal/backlog"
)

// Decide records what somebody decided about a finding. The same decision twice is one.
func (a *Archive) Decide(ctx context.Context, d backlog.Decision) error {
	body, err := json.Marshal(d)
	if err == nil {
		_, err = a.db.ExecContext(ctx, a.sql("INSERT INTO decisions (id, fingerprint, at, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"),
			d.ID(), d.Fingerprint, d.At.UnixMilli(), string(body))
	}
	if err != nil {
		return a.fail("recording the decision in the archive", err)
	}
	return nil
}

// Decisions lists what was decided, in the order of time.
func (a *Archive) Decisions(ctx context.Context) (out []backlog.Decision, err error) {
	rows, err := a.db.QueryContext(ctx, "SELECT body FROM decisions ORDER BY at, id")
	if err != nil {
		return nil, a.fail("reading the decisions in the archive", err)
	}
	defer rows.Close()
	for rows.Next() {
		var body string
		var d backlog.Decision
		if err = rows.Scan(&body); err == nil {
			err = json.Unmarshal([]byte(body), &d)
		}
		if err != nil {
			return nil, a.fail("reading the decisions in the archive", err)
		}
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, a.fail("reading the decisions in the archive", err)
	}
	return out, nil
}

// Link remembers where a finding is in a tracker.
func (a *Archive) Link(ctx context.Context, l backlog.Link) error {
	_, err := a.db.ExecContext(ctx, a.sql(`INSERT INTO links (fingerprint, tracker, issue, url) VALUES (?, ?, ?, ?)
ON CONFLICT (fingerprint, tracker) DO UPDATE SET issue = excluded.issue, url = excluded.url`), l.Fingerprint, l.Tracker, l.Issue, l.URL)
	if err != nil {
		return a.fail(fmt.Sprintf("remembering the issue %s in the archive", l.Issue), err)
	}
	return nil
}

// Links lists where findings are.
func (a *Archive) Links(ctx context.Context) (out []backlog.Link, err error) {
	rows, err := a.db.QueryContext(ctx, "SELECT fingerprint, tracker, issue, url FROM links ORDER BY tracker, issue")
	if err != nil {
		return nil, a.fail("reading the links in the archive", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l backlog.Link
		if err := rows.Scan(&l.Fingerprint, &l.Tracker, &l.Issue, &l.URL); err != nil {
			return nil, a.fail("reading the links in the archive", err)
		}
		out = append(out, l)
	}
	if err := rows.Err(); err != nil {
		return nil, a.fail("reading the links in the archive", err)
	}
	return out, nil
}

// Backlog gives every item as it stands: what the runs have shown and people have decided, in the order of time.
func (a *Archive) Backlog(ctx context.Context, clock backlog.Clock) ([]backlog.Item, error) {
	runs, err := a.Runs(ctx, Filter{})
	if err != nil {
		return nil, err
	}
	decisions, err := a.Decisions(ctx)
	if err != nil {
		return nil, err
	}
	links, err := a.Links(ctx)
	if err != nil {
		return nil, err
	}
	seen := make([]backlog.Evidence, len(runs))
	for i, r := range runs {
		seen[i] = r.Evidence
	}
	return backlog.Life(seen, decisions, links, clock()), nil
}
