"""Following a run log: each record as it appears, and again when its status changes. It is only read."""

from __future__ import annotations

import time
from collections.abc import Iterator

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import RUNNING, RunQuery, StoredRun
from apscheduler.jobstores.base import ClaimingJobStore

_PAUSE = 0.5
_WINDOW = 500
_REMEMBERED = 50_000
_SKEW = 5.0
"""Seconds by which the clocks of the machines that write records may differ from the one here."""


def changes(store: ClaimingJobStore, query: RunQuery) -> Iterator[StoredRun]:
    """Yield the newest records, at most as many as the query says, oldest first; then what changes, without end."""
    begin = SYSTEM.time() - _SKEW
    window = max(_WINDOW, query.limit or 0)
    found = list(store.read_runs(query._replace(limit=window)))
    seen = {run.id: run for run in reversed(found)}
    first = min(seen, default=0)
    yield from _in_order(found[: query.limit])
    while True:
        time.sleep(_PAUSE)
        found = _read(store, query, window, seen)
        news = [run for run in found if _is_news(run, seen, first, begin)]
        seen.update((run.id, run) for run in news)
        for job_id in list(seen)[: max(0, len(seen) - _REMEMBERED)]:
            first = max(first, job_id)
            del seen[job_id]
        yield from _in_order(news)


def _read(
    store: ClaimingJobStore, query: RunQuery, window: int, seen: dict[int, StoredRun]
) -> list[StoredRun]:
    """Return the newest records, as many as it takes to reach a known one, and those known that were running."""
    while True:
        found = list(store.read_runs(query._replace(limit=window)))
        if len(found) < window or any(run.id in seen for run in found):
            break
        window *= 4
    there = {run.id for run in found}
    for run in seen.values():
        if run.status == RUNNING and run.id not in there:
            found += store.read_runs(RunQuery(run.job_id, query.statuses, run.run_time, run.run_time + 1e-3))
    return found


def _is_news(run: StoredRun, seen: dict[int, StoredRun], first: int, begin: float) -> bool:
    known = seen.get(run.id)
    if known is not None:
        return known.status != run.status
    # An old record comes into view when newer ones are pruned, or when what it waited for ends.
    return run.id > first or (run.finished or 0.0) >= begin


def _in_order(runs: list[StoredRun]) -> list[StoredRun]:
    return sorted(runs, key=lambda run: (run.run_time, run.id))
