"""One turn: what is due is decided, claimed and submitted; what has ended is recorded.

The turn is a generator. It yields each call that a store has to answer, and is sent the answer, so that a scheduler
with a loop of its own makes the calls at once and a scheduler on somebody's event loop makes those that may wait in
another thread (see `_loop_driver` and `_timer_driver`). Everything between two calls runs on the scheduler's thread.

    finish     the outcomes that executors have reported are written, in one batch
    read_due   what is due is read, at most `BATCH` jobs
    decide     pure: which run times, skipped or not, what comes next
    claim      the claims are won or lost, in one batch; their run records are written with them
    submit     only what was won goes to an executor

Where more is due than that, the next batch is read, claimed and submitted before the outcomes of the one before it are
written, and so on.

Claims whose answer was lost with the connection are repeated before anything else is read.

A turn never raises: a store that fails is tried again later while the others go on, a job that cannot be run here is
set aside and tried again later.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from apscheduler._core.claims import RUNNING, Claim, DueRow, NewRun, made
from apscheduler._core.decide import Decision, decide
from apscheduler.events import (
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_REMOVED,
    EVENT_JOB_SUBMITTED,
    JobEvent,
    JobSubmissionEvent,
)
from apscheduler.executors.base import BaseExecutor, Submission
from apscheduler.schedulers._aside import (
    Unrunnable,
    seconds_until_aside_again,
    set_aside_all,
    still_aside,
)
from apscheduler.schedulers._due import BATCH, take_due
from apscheduler.schedulers._fencing import may_be_late, record_late
from apscheduler.schedulers._others import leave_claimed, look_who_shares, seconds_until_poll
from apscheduler.schedulers._reruns import run_again
from apscheduler.schedulers._steps import Call, Part, Steps
from apscheduler.triggers._state import is_stateless

if TYPE_CHECKING:
    from apscheduler.job import Job
    from apscheduler.schedulers._engine import Engine
    from apscheduler.schedulers._registry import StoreSlot

OUTCOMES = 2000
LONGEST_SLEEP = 60.0
LOST_ALL_PAUSE = 0.1
"""Seconds until a store is read again that has let us win nothing of what it said is due."""
AFTER = 1e-6
"""Seconds after its run time at which a turn that has begun early decides on a job: the least that a datetime can tell.

A trigger is never asked at its run time itself, because one that rounds `now` up would answer with that again.
"""


class _Plan(NamedTuple):
    """A decision with the job and the executor that it is about."""

    job: Job
    decision: Decision
    executor: BaseExecutor


def turn(engine: Engine, head_start: float = 0.0) -> Steps:
    """Do everything that is to be done now; return the seconds until there is something to do again.

    A job whose run time is less than `head_start` seconds away is claimed already. Its run begins when that has come.
    """
    engine.begin_turn()
    wait = LONGEST_SLEEP
    for slot in engine.registry:
        if not slot.started:
            continue
        try:
            wait = min(wait, (yield from _serve(engine, slot, head_start)))
        except (GeneratorExit, KeyboardInterrupt):
            raise
        except BaseException as exc:  # also a `sys.exit()` in a module that a stored job has imported
            wait = min(wait, engine.store_failed(slot, exc))
    return max(wait, 0.0)


def _serve(engine: Engine, slot: StoreSlot, head_start: float) -> Steps:
    pause = engine.seconds_until_retry(slot)
    if pause > 0:
        return pause
    if slot.flush_asked or slot.outcomes:
        yield from record_outcomes(engine, slot)
    if engine.paused or engine.stopping:
        return LONGEST_SLEEP
    engine.prune_in_turn(slot)
    if slot.store is not slot.given:
        # Because a store written for 3.x may be changed by others, who count on its being read at each turn.
        slot.dirty = True
    poll = seconds_until_poll(engine, slot) if slot.others else LONGEST_SLEEP
    now = engine.clock.time()
    slot.hold_until = None
    if slot.store.blocks:
        head_start = (
            0.0  # because its turns take longer than that, and it may be shared with changes from elsewhere
        )
    elif slot.next_due is not None and now < slot.next_due <= now + head_start:
        slot.hold_until = now = slot.next_due + AFTER
    if slot.unclear:
        yield from _settle_unclear(engine, slot, now)
    if slot.reruns_asked:
        yield from run_again(engine, slot)
    first = True
    while slot.dirty or (slot.next_due is not None and slot.next_due <= now):
        engine.logger.debug("Looking for jobs to run", extra={"event": "turn"})
        slot.begin_reading()
        try:
            more = yield from _fire_batch(engine, slot, now)
        except BaseException:
            slot.dirty = True
            raise
        if not more or engine.stopping:
            break
        if first:
            first = False  # what is due starts before what has ended is recorded, but one batch waits at most
        else:
            yield from record_outcomes(engine, slot)
        now = engine.clock.time()
        slot.hold_until = None
    engine.store_answered(slot)
    wait = min(poll, seconds_until_aside_again(engine, slot))
    return wait if slot.next_due is None else min(wait, slot.next_due - head_start - engine.clock.time())


def recording(engine: Engine, slot: StoreSlot) -> Steps:
    """Only write the outcomes that wait, as a turn of its own."""
    yield from record_outcomes(engine, slot)
    return 0.0


def record_outcomes(engine: Engine, slot: StoreSlot) -> Part:
    """Write the outcomes that wait; after a failure they wait on."""
    slot.flush_asked = False  # before looking, so that an outcome which comes meanwhile asks again
    while slot.outcomes:
        slot.writing = slot.take_outcomes(OUTCOMES)
        try:
            yield Call(partial(slot.store.finish, slot.writing, engine.retention.keep), slot.store.blocks)
            late = may_be_late(engine, slot, slot.writing)
            if late and engine.retention.keep:
                yield from record_late(engine, slot, late)
        except BaseException:
            slot.outcomes.extendleft(reversed(slot.writing))
            raise
        finally:
            slot.writing = []


def _fire_batch(engine: Engine, slot: StoreSlot, now: float) -> Generator[Call, Any, bool]:
    """Read, decide, claim and submit once; return whether there is more to do at once."""
    store = slot.store
    rows, full, more = yield from take_due(engine, slot, now)
    if slot.outcomes and _count_as_live(slot, rows):
        yield from record_outcomes(engine, slot)
        slot.begin_reading()
        rows, full, more = yield from take_due(engine, slot, now)
    plans, unrunnable = _decide_all(engine, slot, rows, now)
    if unrunnable:
        yield from set_aside_all(engine, slot, unrunnable)
    if slot.to_record:
        yield Call(partial(store.record_runs, engine.node.id, slot.to_record), store.blocks)
        slot.to_record = []
    if engine.stopping:
        return False
    if not plans:
        return more  # where all of these were set aside just now, the next reading goes past them
    won = yield from _claim_and_submit(engine, slot, plans)
    lost = won < len(plans)
    if lost:
        slot.dirty = True  # because what was lost has moved on meanwhile; where to, the next reading tells
        if full:
            yield from look_who_shares(engine, slot)
    if not won:
        slot.note(now + LOST_ALL_PAUSE)  # the other stores are served meanwhile
        return False
    return lost or more


def _count_as_live(slot: StoreSlot, rows: Sequence[DueRow]) -> bool:
    """Return whether runs of these jobs have ended that count against `max_instances`, as that is not written yet."""
    live = {row.job_id for row in rows if row.live}
    return bool(live) and any(outcome.key.job_id in live for outcome in slot.outcomes.copy())


def _claim_and_submit(engine: Engine, slot: StoreSlot, plans: list[_Plan]) -> Generator[Call, Any, int]:
    """Claim, and submit what was won; return how many that were."""
    claims = [plan.decision.claim for plan in plans]
    if not engine.retention.keep:
        claims = [_without_log(claim) for claim in claims]
    slot.unclear.append(plans)  # until the store has answered, because it may fail after it has written them
    won = yield Call(partial(slot.store.claim, engine.node.id, claims), slot.store.blocks)
    slot.unclear.pop()
    if not slot.started:
        slot.unclear = []
        yield from leave_claimed(engine, slot)
        return 0
    if len(won) < len(plans):
        plans = [plans[index] for index in sorted(won)]
    if slot.unclear:
        _settle(slot, plans)
    then = min((claim.then for claim in claims if claim.then is not None), default=None)
    if then is not None:
        slot.note(then)
    _announce(engine, slot, plans)
    if slot.started:  # else a listener has removed the store, and the runs are recorded as interrupted
        _submit(engine, slot, plans)
    return len(plans)


def _settle_unclear(engine: Engine, slot: StoreSlot, now: float) -> Part:
    """Repeat the claims that the store has not answered: what was written is won again, and submitted.

    Nobody else would start those runs, and they would count as live for as long as this node lives.
    """
    store = slot.store
    while slot.unclear:
        rows, _ = yield Call(partial(store.read_due, now, BATCH + len(slot.aside)), store.blocks)
        # What is due as it was is decided anew, because its claim was not written, and more may be due by now. What
        # cannot be run any more is due still, and set aside by the reading that follows.
        claimed = {_claimed(plan) for plan in slot.unclear[0]}
        anew, _ = _decide_all(engine, slot, [r for r in rows if (r.job_id, r.revision) in claimed], now)
        if anew:
            yield from _claim_and_submit(engine, slot, anew)
        # Also what seemed not to be written, and was lost now: the server may have been at it until then.
        plans = slot.unclear.pop(0)
        if plans:
            yield from _claim_and_submit(engine, slot, plans)
    yield from record_outcomes(engine, slot)


def _settle(slot: StoreSlot, won: Sequence[_Plan]) -> None:
    """Forget other decisions on what was won, because only one of them can have been written: a run starts once."""
    settled = {_claimed(plan) for plan in won}
    slot.unclear = [[plan for plan in plans if _claimed(plan) not in settled] for plans in slot.unclear]


def _claimed(plan: _Plan) -> tuple[str, int]:
    return plan.decision.claim.job_id, plan.decision.claim.revision


def _decide_all(
    engine: Engine, slot: StoreSlot, rows: Sequence[DueRow], stamp: float
) -> tuple[list[_Plan], list[Unrunnable]]:
    plans: list[_Plan] = []
    unrunnable: list[Unrunnable] = []
    now = datetime.fromtimestamp(stamp, engine.timezone)
    load, aside, executors = slot.store.load, slot.aside, engine.registry.executors
    blocks = slot.store.blocks
    for row in rows:
        if aside and still_aside(engine, slot, row):
            continue
        try:
            job = load(row)
            due = job.next_run_time
            if due is None:  # a memory job that was paused since it was read
                continue
            alias = job.limits[0]
            executor = executors.get(alias) or engine.registry.executor(alias)
            decision = decide(row, job, due, now, stamp)
            if blocks and not is_stateless(type(job.trigger)):
                decision = _with_trigger_state(slot, job, decision)
            plans.append(made(_Plan, (job, decision, executor)))
        except (Exception, SystemExit) as exc:  # whatever is wrong with this job, the others go on
            unrunnable.append((row, exc))
    return plans, unrunnable


def _with_trigger_state(slot: StoreSlot, job: Job, decision: Decision) -> Decision:
    """Have the claim store the job anew, because a user's trigger may keep count in itself, as 3.x lets it."""
    claim = decision.claim
    if claim.then is None:
        return decision
    job.next_run_time = claim.time
    return decision._replace(claim=claim._replace(definition=slot.store.dump(job)))


def _without_log(claim: Claim) -> Claim:
    """Return `claim` as it is made without a run log: only runs that will be submitted are recorded, until they end."""
    runs: Sequence[NewRun] = [run for run in claim.runs if run.status == RUNNING]
    return claim._replace(runs=runs)


def _announce(engine: Engine, slot: StoreSlot, plans: Sequence[_Plan]) -> None:
    """Log and tell what the claims have done, before anything is submitted: so events come in their natural order."""
    mask, tell = engine.listeners.mask, engine.listeners.tell
    for job, decision, _ in plans:
        if decision.claim.then is None:
            engine.forget_job(slot, job.id)
            engine.logger.info("Removed job %s", job.id, extra={"event": "job_removed"})
            if mask & EVENT_JOB_REMOVED:
                tell(JobEvent(EVENT_JOB_REMOVED, job.id, slot.alias))
        if decision.skipped:
            engine.logger.warning(
                'Skipped a run of job "%s": it is running %d times already, which is its max_instances',
                job,
                job.max_instances,
                extra={"event": "job_skipped"},
            )
            if mask & EVENT_JOB_MAX_INSTANCES:
                times = list(decision.skipped)
                tell(JobSubmissionEvent(EVENT_JOB_MAX_INSTANCES, job.id, slot.alias, times))
        elif mask & EVENT_JOB_SUBMITTED:
            tell(JobSubmissionEvent(EVENT_JOB_SUBMITTED, job.id, slot.alias, list(decision.times)))


def _submit(engine: Engine, slot: StoreSlot, plans: Sequence[_Plan]) -> None:
    by_executor: dict[BaseExecutor, list[Submission]] = {}
    for job, decision, executor in plans:
        if decision.times:
            claim = decision.claim
            submissions = by_executor.get(executor)
            if submissions is None:
                submissions = by_executor[executor] = []
            submissions.append(
                Submission(job, slot.alias, decision.times, decision.stamps, claim.revision, claim.attempt)
            )
    for executor, submissions in by_executor.items():
        if slot.hold_until is not None and not executor.holds_back:
            engine.clock.hold(slot.hold_until)
        engine.submit(executor, submissions)
