"""Packing a submission for a worker process, and unpacking what comes back.

Pickled here and not by the pool, because the pool finds out too late, in a thread of its own, that something cannot
be sent, and takes an answer that it cannot read for the death of a worker.
"""

from __future__ import annotations

import pickle
import reprlib
from collections.abc import Iterator, Sequence
from functools import partial
from logging import Logger
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any

from apscheduler._callables import storable
from apscheduler._core.claims import MISSED
from apscheduler.errors import JobSerializationError
from apscheduler.executors._failure import one_line
from apscheduler.executors._run import missed
from apscheduler.executors.base import Outcome, Submission

if TYPE_CHECKING:
    from apscheduler.executors._child import Packed

_ADVICE = "run the job on an executor of threads, or give it what can be pickled"


def pack(submission: Submission) -> bytes:
    """Return the call of a submission as bytes: function by reference, arguments, stamps and grace time.

    Raises:
        JobSerializationError: a part of it cannot be pickled; the message names the part.
    """
    rest = (tuple(submission.stamps), submission.misfire_grace_time)
    func, args, kwargs = submission.func, submission.args, dict(submission.kwargs)
    try:
        return _dumps((func, args, kwargs, *rest))
    except Exception as exc:
        first = exc
    try:
        # A decorated function may be known by a name that leads to it although pickle looks under another one.
        stored = storable(func, getattr(submission.job, "func_ref", None), args, kwargs)
        return _dumps((stored.ref, stored.args, dict(stored.kwargs), *rest))
    except Exception:
        part = _culprit(submission) or f"the call ({one_line(first)})"
    raise JobSerializationError(
        f"{part} of job {submission.job_id} cannot be sent to a worker process; {_ADVICE}"
    ) from first


def unpack(submission: Submission, packed: Sequence[Packed], logger: Logger) -> Iterator[Outcome]:
    """Return the outcomes that a worker process sent; log what the process could not log."""
    for index, status, started, finished, retval, exception, error, traceback, reason in packed:
        value, problem = _loaded(retval)
        if status == MISSED:
            yield missed(submission, index, finished, value, logger)
            continue
        if problem is not None:
            reason = f"its return value could not be read: {problem}"
        if reason is not None:
            logger.warning('Job "%s" ran, but %s', submission.job, reason, extra={"event": "retval_lost"})
        raised = _loaded(exception)[0]
        if not isinstance(raised, BaseException):
            raised = None
        for each in range(len(submission.stamps)) if index < 0 else (index,):
            yield Outcome(each, status, started, finished, value, raised, error, traceback, reason)


def _dumps(value: object) -> bytes:
    # The pickler of multiprocessing, because it can also send what other packages have registered with it.
    return bytes(ForkingPickler.dumps(value))


def _loaded(data: bytes | None) -> tuple[Any, str | None]:
    """Return the value that `data` holds, or what is wrong with it."""
    if data is None:
        return None, None
    try:
        return pickle.loads(data), None
    except BaseException as exc:  # whatever the class does when it is rebuilt, the pool goes on
        return None, one_line(exc)


def _culprit(submission: Submission) -> str | None:
    """Return a text for the first part of the call that cannot be pickled."""
    for name, part in _parts(submission):
        try:
            _dumps(part)
        except Exception as exc:
            return f"{name} ({_short(part)}: {one_line(exc)})"
    problem = _unsendable(submission.func, getattr(submission.job, "func_ref", None))
    return None if problem is None else f"the function ({problem})"


def _parts(submission: Submission) -> Iterator[tuple[str, object]]:
    func: Any = submission.func
    while isinstance(func, partial):
        for place, value in enumerate(func.args):
            yield f"argument {place} of the partial", value
        for key, value in func.keywords.items():
            yield f"argument {key!r} of the partial", value
        func = func.func
    if getattr(func, "__self__", None) is not None and hasattr(func, "__func__"):
        yield f"the object to which the method {func.__name__} is bound", func.__self__
    for place, value in enumerate(submission.args):
        yield f"argument {place}", value
    for key, value in submission.kwargs.items():
        yield f"argument {key!r}", value


def _unsendable(func: Any, ref: str | None) -> str | None:
    try:
        _dumps(func)
        return None
    except Exception:
        pass
    try:
        storable(func, ref, (), {})
    except Exception as exc:
        return str(exc)
    return None


def _short(value: object) -> str:
    try:
        return reprlib.repr(value)
    except Exception:
        return type(value).__name__
