-- The columns that runs are found by stand beside the whole record, which is JSON. Times are milliseconds since 1970.
CREATE TABLE runs (
	id           TEXT PRIMARY KEY,
	scenario     TEXT NOT NULL,
	service      TEXT NOT NULL,
	tier         TEXT NOT NULL,
	environment  TEXT NOT NULL,
	verdict      TEXT NOT NULL,
	exit_code    INTEGER NOT NULL,
	started      BIGINT NOT NULL,
	commit_hash  TEXT NOT NULL,
	label        TEXT NOT NULL,
	plan_hash    TEXT NOT NULL,
	body         TEXT NOT NULL
);
CREATE INDEX runs_by_scenario ON runs (scenario, started);
CREATE INDEX runs_by_start ON runs (started);
CREATE TABLE plans (
	hash TEXT PRIMARY KEY,
	body TEXT NOT NULL
);
