"""A photo with its job, its message and its event, in the words of each database: what `add_photo` writes, at once.

A photo is left out where its bytes are known, or its batch is not: then `add_photo` finds out and answers.
`tests/library/test_intake.py` holds both ways to the same rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from fotofila.core.db.gaps import dump_json
from fotofila.core.db.sqlite_bare import plain_time
from fotofila.core.db.together import PlainWrite, Row
from fotofila.core.events.service import ORDER_LOCK

# Nobody waits for whom he holds up: keys of photos are taken in their order, then batches in theirs, the turn of events
# last (docs/adr/0014). What counts rows of a step is there to have that step end before the next begins.
POSTGRESQL = f"""
    WITH given AS MATERIALIZED (
        SELECT * FROM json_to_recordset($1::json) AS g(
            id text, owner text, filename text, media_type text, size_bytes bigint, checksum_sha256 text,
            original_key text, batch_id text, job_id text, at timestamptz, kind text, kind_version int, lane text,
            args jsonb, source jsonb, max_attempts int, traceparent text, message text, dedup_id text
        )
    ), photo AS (
        INSERT INTO photos (id, owner, filename, media_type, size_bytes, checksum_sha256, original_key, batch_id,
            job_id, created_at)
        SELECT id, owner, filename, media_type, size_bytes, checksum_sha256, original_key, batch_id, job_id, at
        FROM given
        WHERE batch_id IS NULL
            OR EXISTS (SELECT FROM batches WHERE batches.id = given.batch_id AND batches.owner = given.owner)
        ORDER BY owner, checksum_sha256
        ON CONFLICT DO NOTHING
        RETURNING id
    ), made AS MATERIALIZED (
        SELECT given.* FROM given JOIN photo USING (id)
    ), job AS (
        INSERT INTO jobs (id, owner, kind, kind_version, lane, state, photo_id, batch_id, args, source, round,
            attempt, dispatch, max_attempts, traceparent, created_at)
        SELECT job_id, owner, kind, kind_version, lane, 'pending', id, batch_id, args, source, 1, 1, 1, max_attempts,
            traceparent, at
        FROM made
    ), hop AS (
        INSERT INTO job_timeline (job_id, at, hop, round, attempt, detail)
        SELECT job_id, at, 'accepted', 1, 1, 'null' FROM made
    ), message AS (
        INSERT INTO outbox (lane, owner, payload, dedup_id, job_id, due_at, created_at)
        SELECT lane, owner, convert_to(message, 'UTF8'), dedup_id, job_id, at, at FROM made
    ), held AS MATERIALIZED (
        SELECT id FROM batches
        WHERE id = ANY (ARRAY(SELECT batch_id FROM made WHERE batch_id IS NOT NULL))
        ORDER BY id FOR UPDATE
    ), counted AS (
        UPDATE batches SET total = total + more.photos, finished_at = NULL
        FROM (SELECT batch_id, count(*) AS photos FROM made GROUP BY batch_id) AS more
        WHERE batches.id = more.batch_id AND (SELECT count(*) FROM held) > 0
        RETURNING batches.id
    ), turn AS MATERIALIZED (
        SELECT pg_advisory_xact_lock({ORDER_LOCK})
        FROM (SELECT (SELECT count(*) FROM made) AS photos, (SELECT count(*) FROM counted) AS batches) AS done
        WHERE done.photos > 0 AND done.batches >= 0
    ), event AS (
        INSERT INTO events (owner, type, at, photo_id, job_id, batch_id, data)
        SELECT owner, 'photo.created', at, id, job_id, batch_id, jsonb_build_object('filename', filename)
        FROM turn, made
    )
    SELECT id FROM made
"""  # noqa: S608 - a number of ours

PHOTO = """
    INSERT OR IGNORE INTO photos (id, owner, filename, media_type, size_bytes, checksum_sha256, original_key, batch_id,
        job_id, created_at)
    SELECT :id, :owner, :filename, :media_type, :size_bytes, :checksum_sha256, :original_key, :batch_id, :job_id, :at
    WHERE :batch_id IS NULL OR EXISTS (SELECT 1 FROM batches WHERE id = :batch_id AND owner = :owner)
"""
OTHERS = (
    """
    INSERT INTO jobs (id, owner, kind, kind_version, lane, state, photo_id, batch_id, args, source, round, attempt,
        dispatch, max_attempts, traceparent, created_at)
    VALUES (:job_id, :owner, :kind, :kind_version, :lane, 'pending', :id, :batch_id, :args, :source, 1, 1, 1,
        :max_attempts, :traceparent, :at)
    """,
    """
    INSERT INTO job_timeline (job_id, at, hop, round, attempt, detail)
    VALUES (:job_id, :at, 'accepted', 1, 1, 'null')
    """,
    """
    INSERT INTO outbox (lane, owner, payload, dedup_id, job_id, due_at, created_at)
    VALUES (:lane, :owner, :message, :dedup_id, :job_id, :at, :at)
    """,
    """
    INSERT INTO events (owner, type, at, photo_id, job_id, batch_id, data)
    VALUES (:owner, 'photo.created', :at, :id, :job_id, :batch_id, :data)
    """,
)
BATCH = "UPDATE batches SET total = total + 1, finished_at = NULL WHERE id = :batch_id"


def write_sqlite(connection: sqlite3.Connection, rows: Sequence[Row]) -> AbstractSet[str]:
    """Write what `POSTGRESQL` writes."""
    written = set()
    for row in rows:
        values = {
            **row,
            "at": plain_time(row["at"]),
            "args": dump_json(row["args"]),
            "source": dump_json(row["source"]),
            "data": dump_json({"filename": row["filename"]}),
            "message": row["message"].encode(),
        }
        if connection.execute(PHOTO, values).rowcount == 0:
            continue
        for statement in OTHERS:
            connection.execute(statement, values)
        if row["batch_id"] is not None:
            connection.execute(BATCH, values)
        written.add(row["id"])
    return written


INTAKE = PlainWrite(postgresql=POSTGRESQL, sqlite=write_sqlite)
