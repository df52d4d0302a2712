"""Executors written for 3.x, under the reports of this package.

Such an executor says which job has run and at which run times, never which submission. What it says is matched to the
submission with those run times, and to the oldest one of the job where it names none. `run_job()` and
`run_coroutine_job()` are the helpers that such executors call.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from apscheduler._core.claims import FAILED, INTERRUPTED, MISSED, SKIPPED, SUCCEEDED
from apscheduler.errors import MaxInstancesReachedError
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors._failure import one_line, take_apart

if TYPE_CHECKING:
    from apscheduler._clock import Clock
    from apscheduler.executors.base import BaseExecutor, Outcome, Report, Submission
    from apscheduler.job import Job

_STATUS = {EVENT_JOB_EXECUTED: SUCCEEDED, EVENT_JOB_ERROR: FAILED, EVENT_JOB_MISSED: MISSED}
_CODE = {SUCCEEDED: EVENT_JOB_EXECUTED, FAILED: EVENT_JOB_ERROR, MISSED: EVENT_JOB_MISSED}
_HOOKS = frozenset({"submit_job", "_do_submit_job", "_run_job_success", "_run_job_error"})


class _Waiting(NamedTuple):
    """A submission that the executor has been handed."""

    submission: Submission
    since: float
    report: Report


class LegacyReports:
    """Matches what a 3.x executor reports per job to the submissions that wait for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = RLock()
        self._waiting: dict[str, deque[_Waiting]] = {}

    def submit(self, executor: BaseExecutor, submissions: Sequence[Submission], report: Report) -> None:
        """Hand each submission to the executor's `submit_job()`; what it refuses is an outcome."""
        for submission in submissions:
            waiting = _Waiting(submission, self._clock.time(), report)
            with self._lock:
                self._waiting.setdefault(submission.job_id, deque()).append(waiting)
            try:
                executor.submit_job(submission.job, list(submission.run_times))
            except MaxInstancesReachedError:
                self._refuse(waiting, None)
            except Exception as exc:  # the other submissions go on
                self._refuse(waiting, exc)

    def success(self, job_id: str, events: Sequence[Any]) -> None:
        """Report the outcomes that the events of one submission tell."""
        waiting = self._take(job_id, events[0].scheduled_run_time if events else None)
        if waiting is None:
            return
        submission, since, report = waiting
        now = self._clock.time()
        for index, event in zip(range(len(submission.stamps)), events, strict=False):
            report(submission, _outcome(index, event, since, now))
        for index in range(len(events), len(submission.stamps)):
            report(submission, _new(index, INTERRUPTED, None, now, reason="the executor did not report it"))

    def error(self, job_id: str, exc: BaseException, traceback: Any) -> None:
        """Report all runs of one submission as failed."""
        waiting = self._take(job_id, None)
        if waiting is not None:
            if exc.__traceback__ is None:
                exc = exc.with_traceback(traceback)
            self._end(waiting, exc)

    def _take(self, job_id: str, run_time: datetime | None) -> _Waiting | None:
        with self._lock:
            queue = self._waiting.get(job_id)
            if not queue:
                return None
            taken = queue[0]
            for waiting in queue:
                if run_time is not None and run_time == waiting.submission.run_times[0]:
                    taken = waiting
                    break
            self._drop(taken)
        return taken

    def _refuse(self, waiting: _Waiting, exc: Exception | None) -> None:
        with self._lock:
            if not self._drop(waiting):
                return  # it was reported before the executor raised
        self._end(waiting, exc)

    def _drop(self, waiting: _Waiting) -> bool:
        job_id = waiting.submission.job_id
        queue = self._waiting.get(job_id, deque())
        for place, each in enumerate(queue):
            if each.submission is waiting.submission:
                del queue[place]
                if not queue:
                    del self._waiting[job_id]
                return True
        return False

    def _end(self, waiting: _Waiting, exc: BaseException | None) -> None:
        """Report all run times as failed with `exc`, or as skipped without one."""
        submission, _, report = waiting
        now = self._clock.time()
        error, text = (None, None) if exc is None else take_apart(exc)
        for index in range(len(submission.stamps)):
            if exc is None:
                report(submission, _new(index, SKIPPED, None, now, reason="max_instances"))
            else:
                report(submission, _new(index, FAILED, None, now, None, exc, error, text))


def _new(*fields: Any, **more: Any) -> Outcome:
    from apscheduler.executors.base import Outcome  # here, because base imports this module

    return Outcome(*fields, **more)


def _outcome(index: int, event: Any, since: float, now: float) -> Outcome:
    status = _STATUS.get(event.code, FAILED)
    exc = event.exception
    error = None if exc is None else one_line(exc)
    return _new(
        index, status, None if status == MISSED else since, now, event.retval, exc, error, event.traceback
    )


# -- subclasses of our executors that hook into methods of 3.x -------------------------------------------------------


def overrides_legacy(cls: type[BaseExecutor]) -> bool:
    """Return whether `cls` overrides a method of 3.x below the class from which it has its `submit()`."""
    for base in cls.__mro__:
        names = vars(base)
        if "submit" in names:
            return False
        if not _HOOKS.isdisjoint(names):
            return True
    return False


def submit_for_legacy(executor: BaseExecutor, job: Job, run_times: list[datetime]) -> bool:
    """Run `job` with the `submit()` of one of our executors, and tell the hooks of 3.x how it ended.

    Returns False where the executor has no `submit()` of ours.
    """
    from apscheduler.executors.base import BaseExecutor, Submission

    for base in type(executor).__mro__:
        submit = vars(base).get("submit", BaseExecutor.submit)
        if submit is not BaseExecutor.submit:
            break
    else:
        return False
    alias = job._jobstore_alias or ""
    events: list[JobExecutionEvent] = []

    def collect(submission: Submission, outcome: Outcome) -> None:
        events.append(_event(submission, outcome))
        if len(events) == len(run_times):
            executor._run_job_success(job.id, events)  # noqa: SLF001 - the extension point of 3.x

    stamps = [time.timestamp() for time in run_times]
    submit(executor, [Submission(job, alias, run_times, stamps, revision=0)], collect)
    return True


def _event(submission: Submission, outcome: Outcome) -> JobExecutionEvent:
    exc = outcome.exception
    if outcome.status == INTERRUPTED:
        from asyncio import CancelledError  # here, because most programs have no use for asyncio

        exc = CancelledError(outcome.reason)  # what 3.x tells of a coroutine that a shutdown cancels
    return JobExecutionEvent(
        _CODE.get(outcome.status, EVENT_JOB_ERROR),
        submission.job_id,
        submission.jobstore,
        submission.run_times[outcome.index],
        outcome.retval,
        exc,
        outcome.traceback,
    )


# -- the helpers that executors written for 3.x call -----------------------------------------------------------------


def run_job(
    job: Job, jobstore_alias: str, run_times: Sequence[datetime], logger_name: str
) -> list[JobExecutionEvent]:
    """Call the job's function for each run time that is not too late; return one event for each.

    For executors written for 3.x. How the runs ended is logged where the events are reported to.
    """
    logger = logging.getLogger(logger_name)
    events = []
    for run_time in run_times:
        event = _judge(job, jobstore_alias, run_time, logger)
        if event is None:
            try:
                retval = job.func(*job.args, **job.kwargs)
            except BaseException as exc:  # a job that raises SystemExit must not end the worker
                event = _error(job, jobstore_alias, run_time, exc)
            else:
                event = JobExecutionEvent(EVENT_JOB_EXECUTED, job.id, jobstore_alias, run_time, retval=retval)
        events.append(event)
    return events


async def run_coroutine_job(
    job: Job, jobstore_alias: str, run_times: Sequence[datetime], logger_name: str
) -> list[JobExecutionEvent]:
    """Like `run_job()` for a coroutine function, awaited on the running event loop.

    As in 3.x a cancellation is an error of the job, too.
    """
    logger = logging.getLogger(logger_name)
    events = []
    for run_time in run_times:
        event = _judge(job, jobstore_alias, run_time, logger)
        if event is None:
            try:
                retval = await job.func(*job.args, **job.kwargs)
            except GeneratorExit:
                raise
            except BaseException as exc:
                event = _error(job, jobstore_alias, run_time, exc)
            else:
                event = JobExecutionEvent(EVENT_JOB_EXECUTED, job.id, jobstore_alias, run_time, retval=retval)
        events.append(event)
    return events


def _judge(job: Job, alias: str, run_time: datetime, logger: logging.Logger) -> JobExecutionEvent | None:
    from apscheduler import _clock

    if job.misfire_grace_time is not None:
        late = _clock.now(UTC) - run_time.astimezone(UTC)
        if late > timedelta(seconds=job.misfire_grace_time):
            logger.warning('Run time of job "%s" was missed by %s', job, late, extra={"event": "job_missed"})
            return JobExecutionEvent(EVENT_JOB_MISSED, job.id, alias, run_time)
    logger.info('Running job "%s" (scheduled at %s)', job, run_time, extra={"event": "job_started"})
    return None


def _error(job: Job, alias: str, run_time: datetime, exc: BaseException) -> JobExecutionEvent:
    _, text = take_apart(exc)
    return JobExecutionEvent(EVENT_JOB_ERROR, job.id, alias, run_time, exception=exc, traceback=text)
