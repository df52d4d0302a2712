"""Leaving a job alone for a while that cannot be run in this process, and saying so.

It stays in its store, and is due: other schedulers may run it, and this one when what it needs is back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apscheduler._core.aside import set_aside as decide
from apscheduler._core.claims import SET_ASIDE, Claim, DueRow, NewRun
from apscheduler.events import EVENT_JOB_SET_ASIDE, JobSetAsideEvent
from apscheduler.executors._run import one_line
from apscheduler.schedulers._node import is_gone
from apscheduler.schedulers._steps import Call, Part

if TYPE_CHECKING:
    from apscheduler.schedulers._engine import Engine
    from apscheduler.schedulers._registry import StoreSlot


Unrunnable = tuple[DueRow, BaseException]


def set_aside_all(engine: Engine, slot: StoreSlot, unrunnable: Sequence[Unrunnable]) -> Part:
    """Leave due jobs alone for a while, because they cannot be run in this process; said once for each reason.

    Where other schedulers live in the store it is said only if none of them has run the job within a few seconds. So
    who seems to be alone looks again: the next release of a program may have come since the last heartbeat, and
    have added what only it can run.
    """
    if slot.store.shared and not slot.others:
        nodes = yield Call(slot.store.read_nodes, slot.store.blocks)
        slot.others = sum(node.id != engine.node.id and not is_gone(node) for node in nodes)
    for row, exc in unrunnable:
        _set_aside(engine, slot, row, exc)


def _set_aside(engine: Engine, slot: StoreSlot, row: DueRow, exc: BaseException) -> None:
    reason, now = one_line(exc), engine.clock.monotonic()
    aside, say = decide(slot.aside.get(row.job_id), row.revision, reason, now, slot.others)
    slot.aside[row.job_id] = aside
    if say:
        _say(engine, slot, row, reason, exc)
    elif not aside.said:
        engine.logger.debug(
            'Job %s in job store "%s" is left to other schedulers: %s',
            row.job_id,
            slot.alias,
            reason,
            extra={"event": "job_left_to_others"},
        )


def _say(engine: Engine, slot: StoreSlot, row: DueRow, reason: str, exc: BaseException) -> None:
    if engine.retention.keep:
        # Attempt 0, because the run time is not used up by this: the attempts count from 1 when the job is back.
        runs = [NewRun(row.next_run_time, SET_ASIDE, reason)]
        slot.to_record.append(Claim(row.job_id, row.revision, None, runs, attempt=0))
    engine.logger.error(
        'Job %s in job store "%s" is set aside: %s. It is kept, and tried again.',
        row.job_id,
        slot.alias,
        reason,
        extra={"event": "job_set_aside"},
        exc_info=exc,
    )
    if engine.listeners.mask & EVENT_JOB_SET_ASIDE:
        engine.listeners.tell(JobSetAsideEvent(EVENT_JOB_SET_ASIDE, row.job_id, slot.alias, reason))


def still_aside(engine: Engine, slot: StoreSlot, row: DueRow) -> bool:
    """Return whether a due job is to be passed over, because it was set aside a moment ago as it is now."""
    aside = slot.aside.get(row.job_id)
    return aside is not None and aside.revision == row.revision and engine.clock.monotonic() < aside.again_at


def forget_aside(slot: StoreSlot, rows: Sequence[DueRow]) -> None:
    """Forget what was set aside and is no longer due in that form: it was changed, removed, or fired elsewhere."""
    if slot.aside:
        due = {row.job_id: row.revision for row in rows}
        for job_id in [j for j, aside in slot.aside.items() if due.get(j) != aside.revision]:
            slot.aside.pop(job_id, None)


def seconds_until_aside_again(engine: Engine, slot: StoreSlot) -> float:
    """Return when the first job that was set aside is to be tried again, and have that read the store."""
    if not slot.aside:
        return float("inf")
    wait = min(aside.again_at for aside in slot.aside.values()) - engine.clock.monotonic()
    slot.dirty = True
    return max(wait, 0.05)
