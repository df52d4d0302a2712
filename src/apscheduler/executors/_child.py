"""The worker process's side of the process pool: unpack a call, run its run times, pack what became of them.

Imports little, because every new worker process waits for it. Nothing is logged here: the parent does that.
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import FAILED, MISSED
from apscheduler.executors._failure import one_line, take_apart, traceback_text
from apscheduler.executors._run import call, lateness_beyond_grace
from apscheduler.executors.base import Outcome

Packed = tuple[int, str, float | None, float, bytes | None, bytes | None, str | None, str | None, str | None]
"""The fields of an `Outcome`, in which `retval` and `exception` are pickled by themselves, or absent."""

UNLOADABLE = (
    "the function or its arguments could not be loaded in the worker process ({}); what a job is made of must be"
    " importable there: put it into a module, not into an interactive session"
)

READY = b"ready"
"""What a worker process says first; anything else is why it cannot work."""
STOP = b""
"""What ends it. That its line is closed is not enough, because a forked process holds copies of both ends."""


def serve(
    connection: Connection, initializer: Callable[..., object] | None, initargs: tuple[Any, ...]
) -> None:
    """Be a worker process: answer one packed submission after another, until told to stop.

    A parent that is killed ends it too, when the job at hand has ended; otherwise it would wait for ever.
    """
    parent = multiprocessing.parent_process()
    ends: list[Any] = [connection] if parent is None else [connection, parent.sentinel]
    try:
        if initializer is not None:
            initializer(*initargs)
    except BaseException as exc:  # it is told in the parent
        connection.send_bytes(traceback_text(exc).encode(errors="replace"))
        return
    connection.send_bytes(READY)
    while True:
        try:
            if connection not in wait(ends):
                return
            payload = connection.recv_bytes()
        except EOFError:
            return
        except KeyboardInterrupt:
            continue  # a terminal tells every process; what it means here is up to the parent
        if payload == STOP:
            return
        try:
            connection.send_bytes(perform_packed(payload))
        except BrokenPipeError:  # the parent is gone
            return


def perform_packed(payload: bytes) -> bytes:
    """Like `perform()`, with the outcomes as bytes."""
    return pickle.dumps(perform(payload))


def perform(payload: bytes) -> list[Packed]:
    """Run all run times of one packed submission; return their outcomes, made of plain values."""
    try:
        func, args, kwargs, stamps, grace = pickle.loads(payload)
        if isinstance(func, str):
            func = _resolve(func)
    except BaseException as exc:  # whatever the class does when it is rebuilt, this worker goes on
        return _unloadable(exc)
    return [_packed(_one(func, args, kwargs, index, stamps, grace)) for index in range(len(stamps))]


def _one(
    func: Any,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    index: int,
    stamps: Sequence[float],
    grace: float | None,
) -> Outcome:
    started = SYSTEM.time()
    late = lateness_beyond_grace(stamps[index], started, grace)
    if late is not None:
        return Outcome(index, MISSED, None, started, retval=late)
    return call(func, args, kwargs, index, started, SYSTEM.time)


def _resolve(ref: str) -> Any:
    from apscheduler.util import ref_to_obj  # here, because only few functions travel by their reference

    return ref_to_obj(ref)


def _unloadable(exc: BaseException) -> list[Packed]:
    """Return one outcome that stands for all run times (index -1): their number is part of what cannot be read."""
    error, text = take_apart(exc)
    return [(-1, FAILED, None, SYSTEM.time(), None, _dumped(exc)[0], UNLOADABLE.format(error), text, None)]


def _packed(outcome: Outcome) -> Packed:
    index, status, started, finished, retval, exception, error, text, reason = outcome
    dumped, problem = (None, None) if retval is None else _dumped(retval)
    if problem is not None:
        reason = f"its return value could not be sent back: {problem}"
    sent = None if exception is None else _dumped(exception)[0]
    return index, status, started, finished, dumped, sent, error, text, reason


def _dumped(value: object) -> tuple[bytes | None, str | None]:
    """Return `value` pickled, or what is wrong with it."""
    try:
        return bytes(ForkingPickler.dumps(value)), None
    except Exception as exc:
        return None, one_line(exc)
