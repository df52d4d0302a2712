"""Which stored jobs a list shows: filters, and pages that begin after a key.

A list is in the order of `ClaimingJobStore.read_jobs()`: by ascending next run time, paused jobs last, ties by id. A
page begins after the key of the last job of the page before, and not at a number, because jobs move while they are
listed: what stands further down than the key is found there, however many came or went above it.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest
from typing import NamedTuple

from apscheduler._core.claims import JobRow


class Position(NamedTuple):
    """The place of a job in the list; `next_run_time` is None for a paused one."""

    next_run_time: float | None
    job_id: str


class JobQuery(NamedTuple):
    """Which jobs to read, all conditions together; in the order of the list, at most `limit`.

    `after` is exclusive: only what stands after that place, where no job needs to be. `due_before` is exclusive, too,
    and is never met by paused jobs. `id_prefix` is compared exactly. `paused` is True for paused jobs only, False for
    none.
    """

    limit: int | None = None
    after: Position | None = None
    due_before: float | None = None
    id_prefix: str = ""
    paused: bool | None = None


def place(stamp: float | None, job_id: str) -> tuple[bool, float, str]:
    """Return what the list is sorted by."""
    return stamp is None, stamp or 0.0, job_id


def matches(query: JobQuery, stamp: float | None, job_id: str) -> bool:
    """Return whether the job with this next run time and id is asked for, whatever the limit."""
    if query.paused is not None and query.paused != (stamp is None):
        return False
    if query.due_before is not None and (stamp is None or stamp >= query.due_before):
        return False
    if not job_id.startswith(query.id_prefix):
        return False
    return query.after is None or place(stamp, job_id) > place(*query.after)


def selected(rows: Iterable[JobRow], query: JobQuery) -> list[JobRow]:
    """Return those of `rows` that are asked for, in the order of the list."""
    found = (row for row in rows if matches(query, row[1], row[0]))

    def key(row: JobRow) -> tuple[bool, float, str]:
        return place(row[1], row[0])

    return sorted(found, key=key) if query.limit is None else nsmallest(query.limit, found, key=key)


def prefix_end(prefix: str) -> str | None:
    """Return the first text, by code point, after all that begin with `prefix`; None where there is none."""
    for length in range(len(prefix), 0, -1):
        last = ord(prefix[length - 1])
        if last < 0x10FFFF:
            # Past the surrogates, which are no characters and which no database takes.
            return prefix[: length - 1] + chr(0xE000 if 0xD7FF <= last < 0xE000 else last + 1)
    return None
