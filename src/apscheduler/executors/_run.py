"""Running the run times of one submission: judge the lateness, call, catch, time.

The rules are those of every executor; `_run_async` applies them on an event loop and `_child` in another process.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any

from apscheduler._core.claims import FAILED, INTERRUPTED, MISSED, SUCCEEDED, made
from apscheduler.executors._current import current
from apscheduler.executors._failure import one_line, take_apart
from apscheduler.executors.base import Outcome, Report, Submission

__all__ = (
    "CutOff",
    "call",
    "failed",
    "interrupted",
    "lateness_beyond_grace",
    "log_outcome",
    "log_start",
    "missed",
    "one_line",
    "run",
    "run_coroutine",
)

Time = Callable[[], float]
Finish = Callable[[Coroutine[Any, Any, Any]], Any]

SHUT_DOWN = "the executor was shut down"


class CutOff(BaseException):
    """Raised by a `Finish` whose coroutine was ended by the executor, not by itself."""


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end in an event loop of its own, and return what it returns.

    Where this thread runs a loop already, a helper thread runs the other one.
    """
    import asyncio  # here, because most jobs are plain functions and a worker process starts faster without it

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    ended: list[tuple[Any, BaseException | None]] = []

    def other_thread() -> None:
        try:
            ended.append((asyncio.run(coroutine), None))
        except BaseException as exc:
            ended.append((None, exc))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(other_thread,), daemon=True)
    thread.start()
    thread.join()
    retval, exc = ended.pop()
    if exc is not None:
        raise exc
    return retval


def run(
    submission: Submission,
    time: Time,
    report: Report,
    logger: logging.Logger,
    finish: Finish = run_coroutine,
    awaited: Any = Coroutine,
) -> None:
    """Call the submission's function for each of its run times that is not too late, reporting each in turn.

    A coroutine that the function returns (or something else of the class `awaited`) is handed to `finish`. Never
    raises what the function raises: that is an outcome.
    """
    before = current.set(submission)
    try:
        for index in range(len(submission.stamps)):
            report(submission, _one(submission, index, time, logger, finish, awaited))
    finally:
        current.reset(before)


def _one(
    submission: Submission, index: int, time: Time, logger: logging.Logger, finish: Finish, awaited: Any
) -> Outcome:
    started = time()
    grace = submission.misfire_grace_time
    if grace is not None:
        late = lateness_beyond_grace(submission.stamps[index], started, grace)
        if late is not None:
            return missed(submission, index, started, late, logger)
    if logger.isEnabledFor(logging.INFO):
        log_start(submission, index, logger)
    return call(submission.func, submission.args, submission.kwargs, index, started, time, finish, awaited)


def call(
    func: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    index: int,
    started: float,
    time: Time,
    finish: Finish = run_coroutine,
    awaited: Any = Coroutine,
) -> Outcome:
    """Call `func` and return what became of it."""
    try:
        retval = func(*args, **kwargs)
        if retval is not None and isinstance(retval, awaited):
            retval = finish(retval)
    except CutOff:
        return Outcome(index, INTERRUPTED, started, time(), reason=SHUT_DOWN)
    except BaseException as exc:  # because a job that raises SystemExit must not end the worker
        return failed(index, started, time(), exc)
    return made(Outcome, (index, SUCCEEDED, started, time(), retval, None, None, None, None))


def lateness_beyond_grace(stamp: float, now: float, grace: float | None) -> float | None:
    """Return how many seconds late the run of `stamp` is, if that is more than `grace`, else None."""
    if grace is None:
        return None
    late = now - stamp
    return late if late > grace else None


def missed(submission: Submission, index: int, now: float, late: float, logger: logging.Logger) -> Outcome:
    """Return the outcome of a run that came too late to be started, and log it."""
    logger.warning(
        'Run time of job "%s" was missed by %.3f seconds (misfire_grace_time is %s)',
        submission.job,
        late,
        submission.misfire_grace_time,
        extra={"event": "job_missed"},
    )
    return Outcome(index, MISSED, None, now, reason=missed_reason(late, submission.misfire_grace_time))


def missed_reason(late: float, grace: float | None) -> str:
    """Return why a run was not started, for its record."""
    return f"{late:.3f} s late, misfire_grace_time is {grace} s"


def failed(index: int, started: float | None, finished: float, exc: BaseException) -> Outcome:
    """Return the outcome of a run that raised `exc`; the exception keeps no local variables of the job alive."""
    error, text = take_apart(exc)
    return Outcome(index, FAILED, started, finished, None, exc, error, text)


def interrupted(
    submission: Submission, index: int, started: float | None, now: float, reason: str = SHUT_DOWN
) -> Iterator[Outcome]:
    """Return the outcomes of a submission that was cut off during its run `index`, or before it if not started."""
    yield Outcome(index, INTERRUPTED, started, now, reason=reason)
    for rest in range(index + 1, len(submission.stamps)):
        yield Outcome(rest, INTERRUPTED, None, now, reason=reason)


def log_start(submission: Submission, index: int, logger: logging.Logger) -> None:
    """Log that a run starts, where anybody listens."""
    if logger.isEnabledFor(logging.INFO):
        logger.info(
            'Running job "%s" (scheduled at %s)',
            submission.job,
            submission.run_times[index],
            extra={"event": "job_started"},
        )


def log_outcome(submission: Submission, outcome: Outcome, logger: logging.Logger) -> None:
    """Log how a run ended, where anybody listens; a missed one has been logged when it was judged."""
    if outcome.status == SUCCEEDED:
        if logger.isEnabledFor(logging.INFO):
            logger.info('Job "%s" executed successfully', submission.job, extra={"event": "job_succeeded"})
    elif outcome.status == FAILED:
        logger.error(
            'Job "%s" raised an exception\n%s',
            submission.job,
            (outcome.traceback or outcome.error or "").rstrip(),
            extra={"event": "job_failed"},
        )
    elif outcome.status == INTERRUPTED:
        logger.warning(
            'Job "%s" was interrupted: %s', submission.job, outcome.reason, extra={"event": "job_interrupted"}
        )
