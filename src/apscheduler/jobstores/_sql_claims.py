"""Claiming and finishing runs with statements that every database understands, row by row.

Databases that can do it for a whole batch at once have their own ways, in the modules beside this one; this
is what they fall back on where some claims of a batch are lost. What makes a claim right is the same
everywhere: the update that compares the revision, and the run records in the same transaction.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from apscheduler._core.claims import INTERRUPTED, RUNNING, Claim, Finish, RunKey
from apscheduler.jobstores._sql_jobs import chunks, raise_floor
from apscheduler.jobstores._text import storable_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy.engine import Connection

    from apscheduler.jobstores._sql_engine import Database
    from apscheduler.jobstores._sql_schema import Tables

OwnKey = tuple[str, int, int]
# Keys looked for in one statement; always as many, so that it is compiled once.
KEYS = 50


class ClaimsTable:
    """Claims and finishes, row by row."""

    def __init__(self, db: Database, tables: Tables) -> None:
        self._db = db
        self._tables = tables
        jobs, runs = tables.jobs.c, tables.runs.c
        current = and_(jobs.id == bindparam("b_id"), jobs.revision == bindparam("b_revision"))
        moved = {"next_run_time": bindparam("b_then"), "revision": jobs.revision + 1}
        self._move = update(tables.jobs).where(current).values(moved)
        self._redefine = update(tables.jobs).where(current).values(job_state=bindparam("b_state"), **moved)
        self._remove = delete(tables.jobs).where(current)
        self._renew = update(tables.jobs).where(current).values(revision=bindparam("b_new"))
        self._used = select(func.max(runs.revision)).where(runs.job_id == bindparam("job_id"))
        self._record = insert(tables.runs)
        self._raise_floor = raise_floor(tables)
        running = and_(_is_key(runs, ""), runs.finished.is_(None))
        self._finish = (
            update(tables.runs)
            .where(running)
            .values(
                {
                    **{name: bindparam(f"b_{name}") for name in _OUTCOME},
                    "job_state": case((bindparam("b_status") == INTERRUPTED, runs.job_state), else_=None),
                }
            )
        )
        self._discard = delete(tables.runs).where(running)

    @cached_property
    def _own(self) -> Select[Any]:
        runs = self._tables.runs.c
        return select(runs.job_id, runs.revision, runs.attempt).where(
            runs.node == bindparam("node"),
            # A run that was taken over may have been started elsewhere since.
            runs.status != INTERRUPTED,
            or_(*(_is_key(runs, f"_{n}") for n in range(KEYS))),
        )

    def claim(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        """Apply the claims and return the indexes of those that were won; `now` is when final runs ended."""
        return self._claim_all(node, claims, now) if claims else ()

    def finish(self, outcomes: Sequence[Finish], keep: bool) -> None:
        """Write the outcomes to their records, or remove these, where they are still running."""
        if outcomes:
            self._finish_all(sorted(outcomes, key=_key_of), keep)

    def record(self, node: str, claims: Sequence[Claim], now: float) -> None:
        """Insert the records of `claims` that do not exist yet; `now` is when they ended."""
        for values in run_records(node, claims, now).as_dicts():
            try:
                self._db.write(partial(_insert, self._record, values))
            except IntegrityError:
                continue  # another node has recorded it

    def _claim_all(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        return self._claim_each(node, claims, now)

    def _finish_all(self, outcomes: Sequence[Finish], keep: bool) -> None:
        statement = self._finish if keep else self._discard
        values = [_outcome_values(outcome, keep) for outcome in outcomes]
        self._db.write(lambda conn: conn.execute(statement, values))

    def _claim_each(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        try:
            return self._db.write(lambda conn: self._apply_each(conn, node, claims, now, careful=False))
        except IntegrityError:
            # A job carries a revision that was claimed before, so its table was changed by other means than
            # ours.
            return self._db.write(lambda conn: self._apply_each(conn, node, claims, now, careful=True))

    def _apply_each(
        self, conn: Connection, node: str, claims: Sequence[Claim], now: float, careful: bool
    ) -> set[int]:
        # By id, because two nodes that lock the same rows in different orders deadlock.
        in_order = sorted(range(len(claims)), key=lambda index: claims[index].job_id)
        won = [index for index in in_order if self._apply(conn, claims[index], careful)]
        self._raise_floor_over(conn, [claims[index] for index in won])
        records = run_records(node, [claims[index] for index in won], now)
        if records.rows:
            conn.execute(self._record, records.as_dicts())
        lost = set(in_order).difference(won)
        return {*won, *self._won_before(conn, node, claims, lost)}

    def _apply(self, conn: Connection, claim: Claim, careful: bool) -> bool:
        key = {"b_id": claim.job_id, "b_revision": claim.revision}
        if careful:
            used = conn.scalar(self._used, {"job_id": claim.job_id})
            if used is not None and used >= claim.revision:
                # Not claimed now: it is due again at once, under a revision that was never used.
                conn.execute(self._renew, {**key, "b_new": used + 1})
                return False
        if claim.then is None:
            done = conn.execute(self._remove, key)
        elif claim.definition is None:
            done = conn.execute(self._move, {**key, "b_then": claim.then})
        else:
            done = conn.execute(self._redefine, {**key, "b_then": claim.then, "b_state": claim.definition})
        return done.rowcount == 1

    def _raise_floor_over(self, conn: Connection, won: Sequence[Claim]) -> None:
        """Have no later job start with a revision of those that `won` has removed."""
        floor = max((claim.revision for claim in won if claim.then is None), default=0)
        if floor:
            conn.execute(self._raise_floor, {"b_floor": floor})

    def _won_before(
        self, conn: Connection, node: str, claims: Sequence[Claim], lost: Collection[int]
    ) -> set[int]:
        """Return those of the `lost` claims whose records `node` has written already."""
        keys = {
            (claims[index].job_id, claims[index].revision, claims[index].attempt): index
            for index in lost
            if claims[index].runs
        }
        if not keys:
            return set()
        own = self._find_own(conn, node, [claims[index] for index in keys.values()])
        return {keys[job_id, revision, attempt] for job_id, revision, attempt in own}

    def _find_own(self, conn: Connection, node: str, claims: Sequence[Claim]) -> Iterable[OwnKey]:
        """Return job id, revision and attempt of those claims that `node` has recorded, in any order."""
        for some in chunks(claims, KEYS):
            padded = [*some, *[some[-1]] * (KEYS - len(some))]
            values: dict[str, Any] = {"node": node}
            for n, claim in enumerate(padded):
                values.update(
                    {f"{name}_{n}": value for name, value in zip(_KEYS, record_key(claim), strict=True)}
                )
            own: Iterable[Any] = conn.execute(self._own, values)
            yield from map(tuple, own)


Columns = tuple[str, ...]

RECORD: Columns = ("job_id", "revision", "run_time", "attempt", "status", "node", "reason", "finished")
KEPT: Columns = (*RECORD, "job_state")
"""The columns of a record of a run that is to be repeated after a crash."""
_KEYS = ("k_id", "k_revision", "k_time", "k_attempt")
_OUTCOME = ("status", "started", "finished", "reason", "error", "traceback", "result")


class Records(NamedTuple):
    """Run records to insert: the names of their columns (`RECORD` or `KEPT`), and the values."""

    columns: Columns
    rows: list[tuple[Any, ...]]

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return each row as a dict."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def run_records(node: str, claims: Sequence[Claim], now: float) -> Records:
    """Return a record for every run of `claims`; the definitions are among them only where one is to be kept."""
    rows: list[tuple[Any, ...]] = [
        (
            job_id,
            revision,
            run_time,
            attempt,
            status,
            node,
            None if reason is None else storable_text(reason),
            None if status == RUNNING else now,
        )
        for job_id, revision, _, runs, _, attempt, _, _ in claims
        for run_time, status, reason in runs
    ]
    if all(claim.rerun is None for claim in claims):
        return Records(RECORD, rows)
    kept = (claim.rerun if run.status == RUNNING else None for claim in claims for run in claim.runs)
    return Records(KEPT, [(*row, definition) for row, definition in zip(rows, kept, strict=True)])


def outcome_columns(outcome: Finish) -> tuple[Any, ...]:
    """Return the values of the columns that an outcome sets, in the order of the table."""
    return (
        outcome.status,
        outcome.started,
        outcome.finished,
        storable_text(outcome.reason),
        storable_text(outcome.error),
        storable_text(outcome.traceback),
        outcome.result,
    )


def _insert(statement: Any, values: dict[str, Any], conn: Connection) -> None:
    conn.execute(statement, values)


def _is_key(runs: Any, suffix: str) -> Any:
    return and_(
        runs.job_id == bindparam(f"k_id{suffix}"),
        runs.run_time == bindparam(f"k_time{suffix}"),
        runs.revision == bindparam(f"k_revision{suffix}"),
        runs.attempt == bindparam(f"k_attempt{suffix}"),
    )


def record_key(claim: Claim) -> RunKey:
    """Return the key of one of a claim's records."""
    # One that was running, if any, because only those are taken over, and then all of them at once.
    run = next((run for run in claim.runs if run.status == RUNNING), claim.runs[0])
    return RunKey(claim.job_id, claim.revision, run.run_time, claim.attempt)


def _key_of(outcome: Finish) -> tuple[Any, ...]:
    return outcome.key


def _outcome_values(outcome: Finish, keep: bool) -> dict[str, Any]:
    values: dict[str, Any] = dict(zip(_KEYS, outcome.key, strict=True))
    if keep:
        columns = outcome_columns(outcome)
        values.update({f"b_{name}": value for name, value in zip(_OUTCOME, columns, strict=True)})
    return values
