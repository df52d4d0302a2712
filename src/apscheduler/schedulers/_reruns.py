"""Repeating what a crash cut off, for jobs that say `on_crash="rerun"`.

The record of a run that was cut off keeps the definition that it was claimed with, until one scheduler has claimed the
repetition. One that cannot run the job leaves it to the others; one that dies in between loses nothing. A repetition
is not repeated again, because a job that kills its process would otherwise go from node to node and end them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from apscheduler._core.claims import JobRow, Rerun
from apscheduler._core.limits import has_room
from apscheduler.events import EVENT_JOB_SUBMITTED, JobSubmissionEvent
from apscheduler.executors._failure import one_line
from apscheduler.executors.base import BaseExecutor, Submission
from apscheduler.schedulers._others import leave_claimed
from apscheduler.schedulers._steps import Call, Part

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from apscheduler.job import Job
    from apscheduler.schedulers._engine import Engine
    from apscheduler.schedulers._registry import StoreSlot

BATCH = 100


class Again(NamedTuple):
    """A repetition that can be run here: the cut off run, its job as it was claimed, and the executor."""

    rerun: Rerun
    job: Job
    executor: BaseExecutor


def run_again(engine: Engine, slot: StoreSlot) -> Part:
    """Claim and submit what was cut off, as far as there is room for it and it can be run here.

    What is left is looked at again with the next heartbeat. Claims whose answer was lost are repeated first.
    """
    store = slot.store
    slot.reruns_asked = False
    try:
        if not slot.unclear_reruns:
            found = yield Call(partial(store.read_reruns, BATCH), store.blocks)
            slot.unclear_reruns = yield from _choose(engine, slot, found)
        if not slot.unclear_reruns or engine.stopping:
            slot.unclear_reruns = []
            return
        reruns = [again.rerun for again in slot.unclear_reruns]
        won = yield Call(partial(store.claim_reruns, engine.node.id, reruns), store.blocks)
    except BaseException:
        slot.reruns_asked = True
        raise
    chosen, slot.unclear_reruns = slot.unclear_reruns, []
    if not slot.started:
        yield from leave_claimed(engine, slot)
        return
    for index in sorted(won):
        _submit(engine, slot, chosen[index])


def _choose(engine: Engine, slot: StoreSlot, found: Sequence[Rerun]) -> Generator[Call, Any, list[Again]]:
    """Return what can be run here, at most one of a job: each repetition changes what the next is decided on."""
    chosen: dict[str, Again] = {}
    slot.unrepeatable &= {rerun.key for rerun in found}
    for rerun in found:
        key = rerun.key
        if key.job_id in chosen:
            continue
        row = None
        if rerun.revision is not None:
            row = yield Call(partial(slot.store.read_job, key.job_id), slot.store.blocks)
            if row is None or row.revision != rerun.revision or row.next_run_time is None:
                continue  # it has changed since, or is paused
        again = _prepare(engine, slot, rerun, row)
        if again is not None:
            chosen[key.job_id] = again
    return list(chosen.values())


def _prepare(engine: Engine, slot: StoreSlot, rerun: Rerun, row: JobRow | None) -> Again | None:
    """Return the repetition as it would be submitted; `row` is the job as it is now, unless it is gone."""
    key = rerun.key
    try:
        loaded = slot.store.load(JobRow(key.job_id, None, key.revision, rerun.definition))
        limits = loaded.limits if row is None else slot.store.load(row).limits
        if not has_room(rerun.live, limits.max_instances):
            return None
        executor = engine.registry.executor(loaded.executor)
    except (
        Exception,
        SystemExit,
    ) as exc:  # whatever is wrong with it here, another scheduler may have what it takes
        if key not in slot.unrepeatable:
            slot.unrepeatable.add(key)
            engine.logger.warning(
                "A run of job %s was cut off by a crash and cannot be repeated here: %s. Other schedulers may.",
                key.job_id,
                one_line(exc),
                extra={"event": "rerun_impossible"},
            )
        return None
    job = loaded._copy()
    job.misfire_grace_time = (
        None  # because the run was begun in time, and what comes after a crash is always late
    )
    return Again(rerun, job, executor)


def _submit(engine: Engine, slot: StoreSlot, again: Again) -> None:
    key = again.rerun.key
    time = datetime.fromtimestamp(key.run_time, engine.timezone)
    engine.logger.warning(
        'Repeating the run of job "%s" that was due at %s and was cut off by a crash (attempt %d)',
        again.job.name,
        time,
        key.attempt + 1,
        extra={"event": "job_repeated"},
    )
    if engine.listeners.mask & EVENT_JOB_SUBMITTED:
        engine.listeners.tell(JobSubmissionEvent(EVENT_JOB_SUBMITTED, key.job_id, slot.alias, [time]))
    submission = Submission(again.job, slot.alias, (time,), (key.run_time,), key.revision, key.attempt + 1)
    engine.submit(again.executor, [submission])
