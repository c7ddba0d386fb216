"""What a relay on PostgreSQL takes out of the outbox and writes down of it: one statement each, for the whole batch.

A row is claimed by making it due after a lease. Neither the claim nor what is written down once rows were sent waits
for the disk: one that a crash of the server takes back is a row that is sent again, as after a relay that died, and
what other transactions write about its job afterwards is not kept without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from fotofila.core.capability import Context
from fotofila.feedback.gates import Gates
from fotofila.feedback.turns import LANES, Due, in_turn, let_through

UNSYNCED = "(SELECT set_config('synchronous_commit', 'off', true)) IS NOT NULL"
COLUMNS = "outbox.id, outbox.lane, outbox.owner, outbox.payload, outbox.dedup_id, outbox.job_id"

CLAIM_OLDEST = f"""
WITH due AS MATERIALIZED (
    SELECT id, due_at FROM outbox WHERE due_at <= $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET due_at = $3 FROM due WHERE outbox.id = due.id AND {UNSYNCED}
RETURNING {COLUMNS}, due.due_at
"""  # noqa: S608 - of constants

OWNERS = """
WITH RECURSIVE found(name) AS (
    SELECT min(owner) FROM outbox WHERE lane = $1
    UNION ALL
    SELECT (SELECT min(owner) FROM outbox WHERE lane = $1 AND owner > found.name) FROM found
    WHERE found.name IS NOT NULL
) SELECT name FROM found WHERE name IS NOT NULL
"""

CLAIM_IN_TURN = f"""
WITH turn AS (
    SELECT owner, place FROM unnest($2::text[]) WITH ORDINALITY AS given(owner, place)
), chosen AS (
    SELECT first.id, first.nth, turn.place FROM turn CROSS JOIN LATERAL (
        SELECT id, row_number() OVER (ORDER BY id) AS nth FROM outbox
        WHERE lane = $1 AND owner = turn.owner AND due_at <= $3 ORDER BY id LIMIT $4
    ) AS first
    ORDER BY first.nth, turn.place LIMIT $5
), due AS MATERIALIZED (
    SELECT id, due_at, nth, place FROM outbox JOIN chosen USING (id) WHERE due_at <= $3
    FOR UPDATE OF outbox SKIP LOCKED
)
UPDATE outbox SET due_at = $6 FROM due WHERE outbox.id = due.id AND {UNSYNCED}
RETURNING {COLUMNS}, due.due_at, due.nth, due.place
"""  # noqa: S608

GIVE_BACK = "UPDATE outbox SET due_at = $2 WHERE id = ANY($1::bigint[])"

SENT = f"""
WITH held AS MATERIALIZED (
    SELECT id FROM jobs WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE
), sent AS (
    DELETE FROM outbox WHERE id = ANY($2::bigint[]) AND (SELECT count(*) FROM held) >= 0 AND {UNSYNCED}
    RETURNING job_id
), moved AS (
    UPDATE jobs SET state = 'queued', queued_at = $3, scheduled_at = NULL FROM sent
    WHERE jobs.id = sent.job_id AND jobs.state IN ('pending', 'waiting')
    RETURNING jobs.id, jobs.round, jobs.attempt
), noted AS (
    INSERT INTO job_timeline (job_id, at, hop, round, attempt) SELECT id, $3, 'queued', round, attempt FROM moved
)
SELECT count(*) AS queued FROM (SELECT FROM jobs WHERE state = 'queued' LIMIT $4) AS before
"""  # noqa: S608
"""Jobs are held before rows of the outbox are deleted, as everywhere; `queued` counts those of earlier sendings."""


async def claim_rows(context: Context, gates: Gates, *, now: datetime, most: int) -> Sequence[Due]:
    """Claim up to `most` rows: the oldest that are due, or, where that is too much, each workspace in turn."""
    until = now + timedelta(seconds=context.settings.lease_seconds)
    if gates.all_open and not gates.crowded:
        async with context.db.bare() as bare:
            found = await bare.rows(CLAIM_OLDEST, now, most, until)
        rows = sorted(map(due_of, found), key=lambda row: row.id)
        if len(rows) < most and await let_through(context, gates, rows):
            return rows
        await give_back(context, rows, now=now)
    claimed: list[Due] = []
    async with context.db.bare() as bare:
        lanes = [row["name"] for row in await bare.rows(LANES)]
    for lane in lanes:
        room = min(await gates.of(lane).room(context, lane), most - len(claimed))
        if room:
            claimed += await claim_in_turn(context, gates, lane, room=room, now=now)
    gates.crowded = len(claimed) == most
    return claimed


async def claim_in_turn(context: Context, gates: Gates, lane: str, *, room: int, now: datetime) -> Sequence[Due]:
    """Claim up to `room` due rows of a lane: one of each workspace, then another one of each."""
    gate = gates.of(lane)
    until = now + timedelta(seconds=context.settings.lease_seconds)
    async with context.db.bare() as bare:
        turn = in_turn([row["name"] for row in await bare.rows(OWNERS, lane)], after=gate.last_owner)[:room]
        share = -(-room // max(len(turn), 1))
        found = await bare.rows(CLAIM_IN_TURN, lane, turn, now, share, room, until)
    taken = [due_of(row) for row in sorted(found, key=lambda row: (row["nth"], row["place"]))]
    gate.credit -= len(taken)
    gate.last_owner = taken[-1].owner if taken else ""
    return taken


async def give_back(context: Context, rows: Sequence[Due], *, now: datetime) -> None:
    """Let claimed rows be due at once, since they could not be sent."""
    async with context.db.bare() as bare:
        await bare.rows(GIVE_BACK, [row.id for row in rows], now)


async def write_sent(context: Context, rows: Sequence[Due], *, now: datetime, count_to: int) -> int:
    """Delete rows that were sent and say of their jobs that they are queued; returns how many were queued before.

    Only of those whose row was still there: a relay that slept past its claim finds them sent by another, and their
    jobs may be farther on.
    """
    job_ids, ids = list({row.job_id for row in rows}), [row.id for row in rows]
    async with context.db.bare() as bare:
        found = await bare.rows(SENT, job_ids, ids, now, count_to)
    return int(found[0]["queued"])


def due_of(row: object) -> Due:
    """Shape a row of the driver."""
    return Due(*row[:7])  # type: ignore[index]  # as the statements name them
