"""`apscheduler pause`, `resume`, `remove` and `trigger`: jobs of a store are changed, whoever runs them.

A change is one conditional write on the revision that was read, as everywhere. Only `resume` has to read the job
itself; the others also work on a job whose code is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from apscheduler import _clock
from apscheduler._clock import SYSTEM
from apscheduler._core.claims import JobRow, RunQuery
from apscheduler.cli._errors import RefusedError, first_line
from apscheduler.cli._noticing import LONGEST_WAIT, POLLING, Presence, presence
from apscheduler.cli._options import DEFAULT_TABLE, Store, Table, Zone
from apscheduler.cli._screen import note, printable, say, time_text
from apscheduler.cli._store import opened
from apscheduler.cli._stored import import_from_here
from apscheduler.cli._times import read_zone
from apscheduler.errors import JobUnreadableError
from apscheduler.jobstores.base import ClaimingJobStore

JobIds = Annotated[
    list[str],
    typer.Argument(
        metavar="JOB_ID...", help="Ids of the jobs, as `apscheduler jobs` shows them.", show_default=False
    ),
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Do not wait until the running schedulers have noticed.")
]


def pause(job_ids: JobIds, store: Store, table: Table = DEFAULT_TABLE) -> None:
    """Run jobs no more until they are resumed."""
    with opened(store, table, change=True) as opened_store:
        for job_id in _known(opened_store, job_ids):
            row = change(opened_store, job_id, lambda _: None)
            say(f"{printable(job_id)}: {'it is gone' if row is None else 'paused'}")


def resume(
    job_ids: JobIds, store: Store, table: Table = DEFAULT_TABLE, no_wait: NoWait = False, tz: Zone = None
) -> None:
    """Run paused jobs again, from the first fire time after now."""
    zone = read_zone(tz)
    import_from_here()
    left = False
    with opened(store, table, change=True) as opened_store, presence(opened_store) as here:
        for job_id in _known(opened_store, job_ids):
            row = opened_store.read_job(job_id)
            if row is None or row.next_run_time is not None:
                say(f"{printable(job_id)}: {'it is gone' if row is None else 'it is not paused'}")
                continue
            then = _first_fire_time(opened_store, row)
            if then is None:
                left = True
                note(f"{job_id}: its trigger has no fire time left, so it stays paused; `remove` removes it")
                continue
            row = change(opened_store, job_id, lambda _, then=then: then)  # type: ignore[misc]
            say(
                f"{printable(job_id)}: {'it is gone' if row is None else f'resumed, next run {time_text(then, zone)}'}"
            )
        if not no_wait:
            _wait_until_noticed(here)
    if left:
        raise typer.Exit(1)


def remove(job_ids: JobIds, store: Store, table: Table = DEFAULT_TABLE) -> None:
    """Remove jobs. Runs in flight end by themselves, and the records of runs are kept."""
    with opened(store, table, change=True) as opened_store:
        for job_id in _known(opened_store, job_ids):
            was_there = opened_store.delete_jobs([job_id])
            say(f"{printable(job_id)}: {'removed' if was_there else 'it was gone already'}")


def trigger(job_ids: JobIds, store: Store, table: Table = DEFAULT_TABLE, no_wait: NoWait = False) -> None:
    """Run jobs now, once, by a scheduler that runs on the store; afterwards they go on as their trigger says.

    The next run time is set to now. A scheduler notices within a third of its lease (10 s), and this command waits
    for that first, so that the run does not count as missed. Where no scheduler runs, the job stays due: the first
    one to start runs it, or records it as missed if it is later than the job's misfire_grace_time allows.
    """
    with opened(store, table, change=True) as opened_store, presence(opened_store) as here:
        ids = _known(opened_store, job_ids)
        if no_wait or not here.others():
            _make_due(opened_store, ids, SYSTEM.time())
            note(_WHEN_NOBODY_RUNS if not here.others() else "Due now; no scheduler was waited for.")
            return
        note(f"Waiting until the running schedulers have noticed (up to {LONGEST_WAIT:g} s)")
        seen = here.wait_until_seen()
        # A little later than now, so that all of them have read the store by then and nobody is late.
        due = _make_due(opened_store, ids, SYSTEM.time() + (POLLING if seen else 0.0))
        started = _wait_for_start(opened_store, here, due)
    if not started:
        note("Due now, but no scheduler has started it yet: `apscheduler nodes` shows who has signed on")


_WHEN_NOBODY_RUNS = (
    "Due now, but no scheduler is running on this store: the first one to start runs it, or records it as missed"
    " if that is later than its misfire_grace_time allows (1 s, unless the job says more)"
)


def change(store: ClaimingJobStore, job_id: str, then: Callable[[JobRow], float | None]) -> JobRow | None:
    """Set the next run time of a job, and return the row as it was before; None where the job is gone."""
    while (row := store.read_job(job_id)) is not None:
        stamp = then(row)
        if store.replace_job(row._replace(next_run_time=stamp, definition=_definition(store, row, stamp))):
            return row
    return None


def _definition(store: ClaimingJobStore, row: JobRow, stamp: float | None) -> object:
    """Return the job's bytes with the new time in them, for 3.x, which trusts that copy; as they are if unreadable."""
    try:
        return store.dump(store.load(row._replace(next_run_time=stamp)))
    except Exception:  # whatever keeps the code away; the column is what counts here
        return row.definition


def _known(store: ClaimingJobStore, job_ids: list[str]) -> list[str]:
    """Return the ids without repetitions, or refuse if one is unknown, before anything is changed."""
    wanted = list(dict.fromkeys(job_ids))
    unknown = [job_id for job_id in wanted if store.read_job(job_id) is None]
    if unknown:
        names = ", ".join(map(repr, unknown))
        raise RefusedError(
            f"JOB_ID {names}: the store has no such job, and nothing was changed; `apscheduler jobs` lists them"
        )
    return wanted


def _first_fire_time(store: ClaimingJobStore, row: JobRow) -> float | None:
    try:
        job = store.load(row)
    except JobUnreadableError as exc:
        raise RefusedError(
            f"JOB_ID {row.job_id!r}: it cannot be read here, so its next run time cannot be told"
            f" ({first_line(exc)}); run this where its code can be imported"
        ) from exc
    time: datetime | None = job.trigger.get_next_fire_time(None, _clock.now(UTC))
    return None if time is None else time.timestamp()


def _make_due(store: ClaimingJobStore, job_ids: list[str], stamp: float) -> dict[str, int]:
    """Set the next run time of jobs, and return the revision that each of them has since."""
    revisions = {}
    for job_id in job_ids:
        row = change(store, job_id, lambda _: stamp)
        if row is None:
            note(f"{job_id}: it is gone")
        else:
            say(f"{printable(job_id)}: due now")
            revisions[job_id] = row.revision + 1
    return revisions


def _wait_for_start(store: ClaimingJobStore, here: Presence, due: dict[str, int]) -> bool:
    """Wait until each job was claimed, and say by whom."""
    waiting = dict(due)

    def all_started() -> bool:
        for job_id, revision in list(waiting.items()):
            row = store.read_job(job_id)
            if row is None or row.revision > revision:
                del waiting[job_id]
                runs = [run for run in store.read_runs(RunQuery(job_id, limit=5)) if run.revision >= revision]
                for run in runs[:1]:
                    say(f"{printable(job_id)}: {run.status} on node {run.node}")
        return not waiting

    return here.wait_until(all_started, POLLING * 2 + 2.0)


def _wait_until_noticed(here: Presence) -> None:
    if here.others():
        note(f"Waiting until the running schedulers have noticed (up to {LONGEST_WAIT:g} s)")
        if here.wait_until_seen():
            here.wait_until(lambda: False, POLLING)
