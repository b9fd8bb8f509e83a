package archive

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Add puts a run and its plan into the archive. A run that is there already is replaced by what it is judged to be now (a
// recovery may have changed that), and so is one whose record is damaged; its label and commit stay where the new record has none. p may be nil.
func (a *Archive) Add(ctx context.Context, r Run, p *plan.Plan) (fresh bool, err error) {
	if r.ID == "" {
		return false, errors.New("archiving the run: its journal does not say which run it is")
	}
	err = a.change(ctx, func(tx *sql.Tx) error {
		old, err := a.get(ctx, tx, r.ID)
		fresh = errors.Is(err, sql.ErrNoRows)
		var damaged *RecordError
		isDamaged := errors.As(err, &damaged)
		if err != nil && !fresh && !isDamaged {
			return err
		}
		if !fresh {
			if !isDamaged && (old.PlanHash != r.PlanHash || !old.Started.Equal(r.Started)) {
				return fmt.Errorf("another run with the ID %s is there, of %s", r.ID, old.Started.Format("2006-01-02 15:04:05"))
			}
			r.keep(old)
		}
		if err := a.put(ctx, tx, r); err != nil {
			return err
		}
		return a.putPlan(ctx, tx, r.PlanHash, p)
	})
	if err != nil {
		return false, a.fail(fmt.Sprintf("putting the run %s into the archive", r.ID), err)
	}
	return fresh, nil
}

// keep takes over what only the older record knows.
func (r *Run) keep(old Run) {
	if r.Label == "" {
		r.Label = old.Label
	}
	if r.Commit == "" {
		r.Commit = old.Commit
	}
}

const putRun = `INSERT INTO runs (id, scenario, service, tier, environment, verdict, exit_code, started, commit_hash, label, plan_hash, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET scenario = excluded.scenario, service = excluded.service, tier = excluded.tier, environment = excluded.environment,
verdict = excluded.verdict, exit_code = excluded.exit_code, started = excluded.started, commit_hash = excluded.commit_hash,
label = excluded.label, plan_hash = excluded.plan_hash, body = excluded.body`

func (a *Archive) put(ctx context.Context, tx *sql.Tx, r Run) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, a.sql(putRun), r.ID, r.Scenario, r.Service, r.Tier, r.Environment, r.Verdict.String(), r.Exit,
		r.Started.UnixMilli(), r.Commit, r.Label, r.PlanHash, string(body))
	return err
}

func (a *Archive) putPlan(ctx context.Context, tx *sql.Tx, hash string, p *plan.Plan) error {
	if p == nil || hash == "" {
		return nil
	}
	body, err := json.Marshal(p)
	if err == nil {
		_, err = tx.ExecContext(ctx, a.sql("INSERT INTO plans (hash, body) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"), hash, string(body))
	}
	return err
}
