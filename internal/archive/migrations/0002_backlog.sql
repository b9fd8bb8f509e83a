-- What people decided about findings, in the order in which they did, and where findings are in the trackers.
CREATE TABLE decisions (
	id          TEXT PRIMARY KEY,
	fingerprint TEXT NOT NULL,
	at          BIGINT NOT NULL,
	body        TEXT NOT NULL
);
CREATE TABLE links (
	fingerprint TEXT NOT NULL,
	tracker     TEXT NOT NULL,
	issue       TEXT NOT NULL,
	url         TEXT NOT NULL,
	PRIMARY KEY (fingerprint, tracker)
);
