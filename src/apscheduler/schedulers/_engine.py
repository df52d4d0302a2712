"""What runs a scheduler: the state between turns, and what executors report into it.

One engine belongs to one scheduler. Turns are made one at a time, by the scheduler's driver; `report()` comes from any
thread. No lock is held while a store, an executor or a listener is called.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from typing import Any

from apscheduler._clock import Clock
from apscheduler._core.claims import (
    FAILED,
    INTERRUPTED,
    MISSED,
    SKIPPED,
    SUCCEEDED,
    Finish,
    NodeRow,
    RunKey,
    made,
)
from apscheduler._core.retention import Retention
from apscheduler.errors import JobProcessError
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_INTERRUPTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
    JobExecutionEvent,
    JobInterruptedEvent,
    JobSubmissionEvent,
)
from apscheduler.executors._run import failed, log_outcome, one_line
from apscheduler.executors.base import BaseExecutor, Outcome, Submission
from apscheduler.schedulers._in_flight import InFlight
from apscheduler.schedulers._listeners import Listeners
from apscheduler.schedulers._others import stop_listening, tell_interrupted
from apscheduler.schedulers._registry import Registry, StoreSlot

PRUNE_INTERVAL = 60.0
SMALLEST_JUMP = 2.0
"""Seconds; less is how a clock is kept right, and how a busy machine reads two clocks one after the other."""
_CODES = {
    SUCCEEDED: EVENT_JOB_EXECUTED,
    FAILED: EVENT_JOB_ERROR,
    MISSED: EVENT_JOB_MISSED,
    SKIPPED: EVENT_JOB_MAX_INSTANCES,
    INTERRUPTED: EVENT_JOB_INTERRUPTED,
}


class Engine:
    """The running parts of one scheduler. `wake` asks its driver for a turn, from any thread."""

    def __init__(self, clock: Clock, logger: logging.Logger, wake: Callable[[], None]) -> None:
        self.clock = clock
        self.logger = logger
        self.wake = wake
        self.timezone: tzinfo = UTC
        self.retry_interval = 10.0
        self.lease = 30.0
        self.retention = Retention()
        self.listeners = Listeners(logger)
        self.registry = Registry()
        self.node = NodeRow("", "", 0, 0.0, 0)
        self.paused = False
        self.stopping = False
        self.executors_closed = False
        self.turned_at: float | None = None
        """When the last turn began, on the monotonic clock."""
        self._wall_at = 0.0
        self.in_flight = InFlight()
        self.flush: Callable[[], None] | None = None
        """What an awaited shutdown is told by when there are outcomes to write; it writes them in another thread."""
        self._loggers: dict[str, logging.Logger] = {}

    def successor(self, clock: Clock, logger: logging.Logger) -> Engine:
        """Return a new engine with the listeners, job stores and executors of this one, and none of its state."""
        engine = Engine(clock, logger, self.wake)
        engine.listeners = self.listeners
        engine.listeners.logger = logger
        engine.registry = self.registry
        return engine

    # -- submissions --------------------------------------------------------------------------------------------

    def submit(self, executor: BaseExecutor, submissions: Sequence[Submission]) -> None:
        """Hand claims that were won to an executor; one that cannot take them is an outcome of their runs."""
        self.in_flight.add(submissions)
        if self.executors_closed:
            reason = "the scheduler was shut down before the run could start"
            self._end_all(
                self._still_open(submissions),
                lambda index: Outcome(index, INTERRUPTED, None, self.clock.time(), reason=reason),
            )
            return
        try:
            executor.submit(submissions, self.report)
        except Exception as exc:
            error = exc
            self.logger.exception(
                "Could not submit %d runs to the executor %r",
                len(submissions),
                executor,
                extra={"event": "submit_failed"},
            )
            self._end_all(submissions, lambda index: failed(index, None, self.clock.time(), error))

    def _still_open(self, submissions: Sequence[Submission]) -> list[Submission]:
        """Return those whose store is open; the others were recorded and told when it was closed, and are let go."""
        slots = self.registry.slots
        still = [s for s in submissions if (slot := slots.get(s.jobstore)) is not None and slot.started]
        self.in_flight.let_go(set(submissions).difference(still))
        return still

    def _end_all(self, submissions: Sequence[Submission], outcome: Callable[[int], Outcome]) -> None:
        for submission in submissions:
            for index in range(len(submission.stamps)):
                self.report(submission, outcome(index))

    @property
    def live(self) -> int:
        """How many submissions are in flight."""
        return len(self.in_flight)

    def report(self, submission: Submission, outcome: Outcome) -> None:
        """Take the outcome of one run time: write its record, or have the next turn write it, and tell listeners."""
        slot = self.registry.slots.get(submission.jobstore)
        if slot is not None:
            self._record(slot, self._finish_of(submission, outcome))
        logger = self._loggers.get(submission.job.limits[0]) or self._make_logger(submission)
        if outcome.status != SUCCEEDED or logger.isEnabledFor(logging.INFO):
            log_outcome(submission, outcome, logger)
        code = _CODES[outcome.status]
        if code & self.listeners.mask:
            self._tell(code, submission, outcome)
        submission.left -= 1
        if not submission.left:
            if submission.attempt > 1 and slot is not None:
                slot.reruns_asked = (
                    True  # because another repetition of the same job may have waited for this one
                )
            self.in_flight.end(submission)

    def _finish_of(self, submission: Submission, outcome: Outcome) -> Finish:
        index, status, started, finished, retval, _, error, traceback, reason = outcome
        job_id, stamp = submission.job.id, submission.stamps[index]
        key = made(RunKey, (job_id, submission.revision, stamp, submission.attempt))
        result = None
        if retval is not None:
            from apscheduler import _results  # here, because most jobs return nothing

            result = _results.dump(retval)
        return made(Finish, (key, status, started, finished, reason, error, traceback, result))

    def _record(self, slot: StoreSlot, finish: Finish) -> None:
        if slot.store.blocks:
            # There are no more turns once the scheduler ends. Then it is written here, unless a shutdown that is
            # awaited does it, because this may be the thread of an event loop.
            ask = (self.flush if slot.started else None) if self.stopping else self.wake
            if ask is not None:
                slot.outcomes.append(finish)
                if not slot.flush_asked:
                    slot.flush_asked = True
                    ask()
                return
        try:
            slot.store.finish((finish,), self.retention.keep)
        except Exception:
            self.logger.exception(
                "Could not record that a run of job %s %s",
                finish.key.job_id,
                finish.status,
                extra={"event": "record_failed"},
            )

    def _make_logger(self, submission: Submission) -> logging.Logger:
        alias = submission.job.limits[0]
        logger = self._loggers[alias] = logging.getLogger(f"apscheduler.executors.{alias}")
        return logger

    def _tell(self, code: int, submission: Submission, outcome: Outcome) -> None:
        job_id, alias, run_time = submission.job.id, submission.jobstore, submission.run_times[outcome.index]
        event: JobEvent
        if code == EVENT_JOB_INTERRUPTED:
            event = JobInterruptedEvent(code, job_id, alias, run_time, self.node.id)
        elif code == EVENT_JOB_MAX_INSTANCES:
            event = JobSubmissionEvent(code, job_id, alias, [run_time])
        else:
            exception = outcome.exception
            if exception is None and code == EVENT_JOB_ERROR:
                exception = JobProcessError(outcome.error)  # because listeners ask `if event.exception`
            event = JobExecutionEvent(
                code, job_id, alias, run_time, outcome.retval, exception, outcome.traceback
            )
        self.listeners.tell(event)

    def begin_turn(self) -> None:
        """Note the time, and notice a wall clock that was set or a machine that was suspended since the last turn.

        Both let the wall clock and the monotonic one move by different amounts. The stores are then read, and what has
        become due follows the misfire policy; a clock that was set back runs nothing again, because what was claimed
        has moved on.
        """
        wall, now = self.clock.time(), self.clock.monotonic()
        if self.turned_at is not None:
            jump = (wall - self._wall_at) - (now - self.turned_at)
            if abs(jump) >= SMALLEST_JUMP:
                self.logger.warning(
                    "The clock jumped by %+.1f seconds: it was set, or the machine was suspended",
                    jump,
                    extra={"event": "clock_jumped"},
                )
                for slot in self.registry:
                    slot.dirty = True
        self._wall_at, self.turned_at = wall, now

    # -- stores -------------------------------------------------------------------------------------------------

    def seconds_until_retry(self, slot: StoreSlot) -> float:
        """Return how long a failing store is left alone; 0 for one that works."""
        return 0.0 if slot.retry_at is None else slot.retry_at - self.clock.monotonic()

    def store_failed(self, slot: StoreSlot, exc: BaseException) -> float:
        """Note that a store failed; one log line for an outage. Returns the seconds until it is tried again."""
        if slot.failing_since is None:
            slot.failing_since = self.clock.time()
            self.logger.error(
                'Job store "%s" does not answer (%s); it is tried again every %g seconds',
                slot.alias,
                one_line(exc),
                self.retry_interval,
                extra={"event": "store_failed"},
                exc_info=exc,
            )
        slot.error = exc
        slot.dirty = True
        slot.retry_at = self.clock.monotonic() + self.retry_interval
        return self.retry_interval

    def store_answered(self, slot: StoreSlot) -> None:
        """Note that a store works; one log line at the end of an outage."""
        if slot.failing_since is not None:
            seconds = self.clock.time() - slot.failing_since
            self.logger.warning(
                'Job store "%s" answers again, after %.1f seconds',
                slot.alias,
                seconds,
                extra={"event": "store_answered"},
            )
        slot.failing_since = slot.retry_at = slot.error = None

    def close_store(self, slot: StoreSlot, reason: str, shutdown: bool = True) -> None:
        """Write what is left to write, sign off, and shut the store down if asked to; what fails is logged."""
        if not slot.started:
            return
        slot.started = False
        try:
            stop_listening(slot)
            outcomes = [*slot.writing, *slot.outcomes]
            slot.outcomes.clear()
            if outcomes:
                slot.store.finish(outcomes, self.retention.keep)
            tell_interrupted(self, slot, slot.store.take_over(self.node.id, self.clock.time(), reason))
        except Exception:
            self.logger.exception(
                'Could not write the last outcomes to job store "%s"',
                slot.alias,
                extra={"event": "record_failed"},
            )
        try:
            if shutdown:
                slot.store.shutdown()
        except Exception:
            self.logger.exception(
                'Could not shut down job store "%s"', slot.alias, extra={"event": "shutdown_failed"}
            )

    def next_beat(self) -> None:
        """Raise this node's heartbeat counter, to an odd number while it is paused."""
        self.node = self.node._replace(counter=(self.node.counter // 2 + 1) * 2 + self.paused)

    def store_changed(self, slot: StoreSlot) -> None:
        """Have the next turn read a store, and make it soon."""
        slot.dirty = True
        self.wake()

    def note_due(self, slot: StoreSlot, stamp: float) -> None:
        """Note that a job was stored which is due at `stamp`, and wake the driver if that is earlier than it knows."""
        if slot.note(stamp) and not self.paused:
            self.wake()

    def prune_in_turn(self, slot: StoreSlot) -> None:
        """Prune the run log of a store that does not wait, once a minute; the others are pruned by the heartbeat."""
        now = self.clock.monotonic()
        if not slot.store.blocks and now - slot.pruned_at >= PRUNE_INTERVAL:
            self.prune(slot, now)

    def prune(self, slot: StoreSlot, now: float) -> None:
        """Remove the run records that the option `run_log` does not keep; `now` is monotonic."""
        slot.pruned_at = now
        keep, max_age, per_job = self.retention
        if keep and (max_age is not None or per_job is not None):
            before = None if max_age is None else self.clock.time() - max_age
            slot.store.prune_runs(before, per_job)

    def forget_job(self, slot: StoreSlot, job_id: str) -> None:
        """Forget what is remembered of a job that is gone or was claimed."""
        slot.aside.pop(job_id, None)

    def keys_in_flight(self, slot: StoreSlot) -> set[RunKey]:
        """Return the runs of a store that are being run here, or have ended and are not written yet."""
        keys = set(self.unwritten(slot))
        for submission in self.in_flight.now():
            if submission.jobstore == slot.alias:
                for stamp in submission.stamps:
                    keys.add(RunKey(submission.job.id, submission.revision, stamp, submission.attempt))
        return keys

    def unwritten(self, slot: StoreSlot) -> dict[Any, Finish]:
        """Return the outcomes that are reported but not yet in the store, by the key of their record."""
        return {finish.key: finish for finish in (*slot.writing, *slot.outcomes)}
