"""Jobs changed from outside of the scheduler that runs them, as the admin does: by one conditional write each.

Where a scheduler of this very process uses the same database it is asked instead, because it then notices at once.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any

from apscheduler._clock import SYSTEM
from apscheduler._clock import now as current_time
from apscheduler._core.claims import JobRow
from apscheduler.errors import JobLookupError, JobUnreadableError
from apscheduler.schedulers._node import is_gone
from django_apscheduler.jobstores import DjangoJobStore, running_stores


class Done(Enum):
    """What became of a wish."""

    DONE = "done"
    GONE = "gone"
    PAUSED = "paused"
    NOT_PAUSED = "not paused"
    NO_TIME_LEFT = "no time left"
    UNREADABLE = "unreadable"


def run_now(store: DjangoJobStore, job_id: str) -> Done:
    """Have a job run once as soon as a scheduler notices, however late that is; then it goes on as its trigger says.

    A paused job is left alone, because a run would start its schedule again.
    """
    while (row := store.read_job(job_id)) is not None:
        if row.next_run_time is None:
            return Done.PAUSED
        here = _scheduler_here(store.using)
        if here is not None:
            scheduler, alias = here
            return _ask(partial(scheduler.modify_job, job_id, alias, next_run_time=current_time()))
        if store.ask_for_run(job_id, row.revision, SYSTEM.time()):
            return Done.DONE
    return Done.GONE


def pause(store: DjangoJobStore, job_id: str) -> Done:
    """Run a job no more until it is resumed."""
    while (row := store.read_job(job_id)) is not None:
        if row.next_run_time is None:
            return Done.PAUSED
        if _replace(store, row, None):
            return Done.DONE
    return Done.GONE


def resume(store: DjangoJobStore, job_id: str) -> Done:
    """Run a paused job again, from the first fire time after now."""
    while (row := store.read_job(job_id)) is not None:
        if row.next_run_time is not None:
            return Done.NOT_PAUSED
        try:
            job = store.load(row)
        except JobUnreadableError:
            return Done.UNREADABLE
        then = job.trigger.get_next_fire_time(None, current_time())
        if then is None:
            return Done.NO_TIME_LEFT
        here = _scheduler_here(store.using)
        if here is not None:
            return _ask(partial(here[0].resume_job, job_id, here[1]))
        if _replace(store, row, then.timestamp()):
            return Done.DONE
    return Done.GONE


def living_schedulers(store: DjangoJobStore) -> int:
    """Return how many schedulers have signed on and are not known to be gone."""
    return sum(not is_gone(node) for node in store.read_nodes())


def _ask(call: Callable[[], Any]) -> Done:
    try:
        call()
    except JobLookupError:
        return Done.GONE
    except JobUnreadableError:
        return Done.UNREADABLE
    return Done.DONE


def _replace(store: DjangoJobStore, row: JobRow, stamp: float | None) -> bool:
    changed = row._replace(next_run_time=stamp)
    try:
        definition = store.dump(store.load(changed))
    except Exception:  # whatever keeps the code away; the column is what counts
        definition = row.definition
    return store.replace_job(changed._replace(definition=definition))


def _scheduler_here(using: str) -> tuple[Any, str] | None:
    for store in list(running_stores):
        found = store.scheduler_here()
        if store.using == using and found is not None:
            return found
    return None
