"""The library's tables, and the steps from each version of them to the next."""

from __future__ import annotations

import re
import sqlite3

_VERSION_1 = """
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    started_at TEXT NOT NULL,           -- UTC, ISO 8601, always with six decimals: sorts as time
    duration_samples INTEGER NOT NULL,
    rate INTEGER NOT NULL,
    state TEXT NOT NULL,
    recovered INTEGER NOT NULL,
    source TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    labels TEXT NOT NULL,               -- JSON array
    hop_samples INTEGER NOT NULL,
    window_samples INTEGER NOT NULL
);
CREATE INDEX sessions_by_time ON sessions (started_at);

CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    role TEXT,
    emotion INTEGER NOT NULL,
    native_rate INTEGER NOT NULL,
    band TEXT,
    audio_file TEXT,
    UNIQUE (session_id, name)
);

CREATE TABLE windows (
    stream_id INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE,
    start_sample INTEGER NOT NULL,
    end_sample INTEGER NOT NULL,
    state TEXT NOT NULL,
    label TEXT,
    confidence REAL NOT NULL,
    speech_ratio REAL NOT NULL,
    latency_s REAL NOT NULL,
    probabilities BLOB,                 -- float32, little-endian, in the order of sessions.labels
    PRIMARY KEY (stream_id, end_sample, start_sample)
) WITHOUT ROWID;

CREATE TABLE segments (
    id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE,
    start_sample INTEGER NOT NULL,
    end_sample INTEGER NOT NULL,
    label TEXT NOT NULL,
    confidence REAL NOT NULL
);
CREATE INDEX segments_by_stream ON segments (stream_id, start_sample);
CREATE INDEX segments_by_label ON segments (label, stream_id);

CREATE TABLE activity (
    stream_id INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE,
    start_sample INTEGER NOT NULL,
    chunk_samples INTEGER NOT NULL,
    speech BLOB NOT NULL,               -- one byte per chunk
    probability BLOB NOT NULL,          -- float16, little-endian
    level_dbfs BLOB NOT NULL,           -- float16, little-endian
    PRIMARY KEY (stream_id, start_sample)
) WITHOUT ROWID;

CREATE TABLE gaps (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    stream TEXT,
    start_sample INTEGER NOT NULL,
    end_sample INTEGER NOT NULL,
    kind TEXT NOT NULL
);
CREATE INDEX gaps_by_session ON gaps (session_id);

CREATE TABLE annotations (
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    id TEXT NOT NULL,
    stream TEXT,
    start_sample INTEGER NOT NULL,
    end_sample INTEGER NOT NULL,
    label TEXT,
    comment TEXT NOT NULL,
    annotator TEXT NOT NULL,
    PRIMARY KEY (session_id, id)
);

CREATE TABLE alerts (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    stream TEXT,
    rule TEXT NOT NULL,
    at_sample INTEGER NOT NULL,
    end_sample INTEGER,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    details TEXT NOT NULL               -- JSON object
);
CREATE INDEX alerts_by_session ON alerts (session_id);

CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    at_sample INTEGER,
    text TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX notes_by_session ON notes (session_id);

CREATE TABLE tags (
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (session_id, tag)
) WITHOUT ROWID;
CREATE INDEX tags_by_tag ON tags (tag);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    webhook TEXT NOT NULL,              -- its name; address and secret stay in the rules
    created_at TEXT NOT NULL,
    payload TEXT NOT NULL,              -- JSON
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try_at TEXT NOT NULL,
    state TEXT NOT NULL,
    last_error TEXT,
    session_id TEXT REFERENCES sessions ON DELETE CASCADE
);
CREATE INDEX outbox_by_state ON outbox (state, next_try_at);
CREATE INDEX outbox_by_session ON outbox (session_id);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    details TEXT NOT NULL               -- JSON object
);
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_keeps_content BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL                 -- JSON
) WITHOUT ROWID;
"""

# Entries that were there are chained as they stand, in the order in which they were written.
_VERSION_2 = """
ALTER TABLE audit ADD COLUMN digest TEXT NOT NULL DEFAULT '';
DROP TRIGGER audit_keeps_content;
WITH RECURSIVE chain (id, digest) AS (
    SELECT id, audit_digest('', id, at, actor, action, details) FROM audit
        WHERE id = (SELECT min(id) FROM audit)
    UNION ALL
    SELECT next.id,
        audit_digest(chain.digest, next.id, next.at, next.actor, next.action, next.details)
        FROM chain JOIN audit AS next
        ON next.id = (SELECT min(id) FROM audit WHERE id > chain.id)
) UPDATE audit SET digest = chain.digest FROM chain WHERE chain.id = audit.id;
CREATE TRIGGER audit_keeps_content BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
"""

_VERSION_3 = """
ALTER TABLE windows ADD COLUMN shift REAL;  -- how far from the model's training data, 0 to 1
ALTER TABLE windows ADD COLUMN familiarity TEXT;
"""

_VERSION_4 = """
ALTER TABLE windows ADD COLUMN raw_probabilities BLOB;  -- as probabilities, before the baseline
CREATE TABLE baselines (
    stream_id INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE,
    end_sample INTEGER NOT NULL,        -- of the first window that it holds for
    source TEXT NOT NULL,
    minutes REAL NOT NULL,
    sessions INTEGER NOT NULL,
    strength REAL NOT NULL,
    expected_neutral REAL,
    PRIMARY KEY (stream_id, end_sample)
) WITHOUT ROWID;
"""

_VERSION_5 = """
ALTER TABLE annotations ADD COLUMN tier TEXT NOT NULL DEFAULT '';
CREATE TABLE traces (
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    annotator TEXT NOT NULL,
    dimension TEXT NOT NULL,
    step_samples INTEGER NOT NULL,
    ratings BLOB NOT NULL,              -- float32, little-endian, from the start; NaN: none
    PRIMARY KEY (session_id, annotator, dimension)
) WITHOUT ROWID;
"""

# Step i leads from version i to version i + 1. Steps are only ever added.
MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5)
VERSION = len(MIGRATIONS)


def statements(script: str) -> list[str]:
    """The single statements of a script; triggers, which hold semicolons, stay whole."""
    found: list[str] = []
    pending = ""
    for piece in re.split(r"(?<=;)", script):
        pending += piece
        if sqlite3.complete_statement(pending):
            found.append(pending.strip())
            pending = ""
    if pending.strip():
        raise ValueError(f"the script breaks off: {pending.strip()[:60]}")
    return found
