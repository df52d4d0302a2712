"""Pages and filters of `get_jobs()`: what was asked for, as a query for each of the job stores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from apscheduler._core.listing import JobQuery, Position
from apscheduler.job import Job
from apscheduler.jobstores.base import stamp_of
from apscheduler.schedulers._registry import StoreSlot
from apscheduler.util import convert_to_datetime

After = Job | tuple[datetime | None, str]


def query_of(
    limit: int | None,
    due_before: datetime | str | None,
    id_prefix: str | None,
    paused: bool | None,
    zone: tzinfo,
) -> JobQuery:
    """Return the filters as a query; raise `TypeError` or `ValueError` where one is not what it should be."""
    if limit is not None:
        if not isinstance(limit, int) or isinstance(limit, bool):
            raise TypeError(f"limit={limit!r} is no number of jobs: give an integer, or None for all")
        if limit < 0:
            raise ValueError(f"limit={limit} is negative: give the number of jobs on a page, or None for all")
    if id_prefix is not None and not isinstance(id_prefix, str):
        raise TypeError(f"id_prefix={id_prefix!r} is no text: give the first characters of the ids")
    if paused not in (None, True, False):
        raise TypeError(
            f"paused={paused!r}: give True for paused jobs only, False for none of them, None for all"
        )
    before = None if due_before is None else convert_to_datetime(due_before, zone, "due_before").timestamp()
    return JobQuery(limit, None, before, id_prefix or "", paused)


def read(
    slots: Sequence[StoreSlot], query: JobQuery, after: After | None, jobstore: str | None, zone: tzinfo
) -> list[Job]:
    """Return what `query` asks for of these stores, one after the other; the first of them begins after `after`."""
    if after is not None:
        slots = _from_the_store_of(slots, after, jobstore)
    jobs: list[Job] = []
    for number, slot in enumerate(slots):
        rest = None if query.limit is None else query.limit - len(jobs)
        if rest == 0:
            break
        place = _position(slot, after, zone) if after is not None and number == 0 else None
        rows = slot.store.read_page(query._replace(limit=rest, after=place))
        jobs += [slot.store.show(row) for row in rows]
    return jobs


def _from_the_store_of(slots: Sequence[StoreSlot], after: After, jobstore: str | None) -> Sequence[StoreSlot]:
    """Return the stores that come no earlier than the one of `after`."""
    alias = after._jobstore_alias if isinstance(after, Job) and jobstore is None else jobstore
    if alias is None:
        if len(slots) > 1:
            names = ", ".join(slot.alias for slot in slots)
            raise ValueError(
                f"after={after!r} does not tell which job store it is a place in: give jobstore= too, one of {names}"
            )
        return slots
    for number, slot in enumerate(slots):
        if slot.alias == alias:
            return slots[number:]
    return []


def _position(slot: StoreSlot, after: After, zone: tzinfo) -> Position:
    stamp, job_id = _key(after, zone)
    row = slot.store.read_job(job_id)
    # The stored time of a job of 3.x may be off by the last bit of a float from what its datetime is rounded to, and
    # then the job would come after itself.
    stored = None if row is None else row.next_run_time
    if stamp is not None and stored is not None and abs(stored - stamp) < 1e-6:
        stamp = stored
    return Position(stamp, job_id)


def _key(after: Any, zone: tzinfo) -> tuple[float | None, str]:
    if isinstance(after, Job):
        return stamp_of(after), after.id
    if isinstance(after, tuple) and len(after) == 2:
        time, job_id = after
        if isinstance(job_id, str) and (time is None or isinstance(time, datetime)):
            time = convert_to_datetime(time, zone, "after")
            return None if time is None else time.timestamp(), job_id
    raise TypeError(f"after={after!r} is no place in the list: give a job, or its (next_run_time, id)")
