"""What is kept of an exception that a job raised: two texts, and the exception without what the job worked on."""

from __future__ import annotations

import gc
import inspect
import traceback as tracebacks
from types import FrameType, TracebackType

_OURS = "apscheduler.executors."
_LOOPS = ("asyncio.", "concurrent.futures.")
_SUSPENDABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_LONGEST_LINE = 1000


def take_apart(exc: BaseException) -> tuple[str, str]:
    """Return `Type: message` on one line and the traceback as a text, and let go of what the exception holds.

    Afterwards the exception's traceback starts in the job's own code and its frames have no local variables.
    """
    strip_own_frames(exc)
    text = traceback_text(exc)
    forget_locals(exc)
    return one_line(exc), text


def one_line(exc: BaseException) -> str:
    """Return `Type: message` on one line, cut off where it gets absurd."""
    name = type(exc).__name__
    try:
        message = " ".join(str(exc).split())
    except Exception:  # because a broken __str__ must not cost the record of the run
        message = "<the exception's own str() failed>"
    line = f"{name}: {message}" if message else name
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"


def traceback_text(exc: BaseException) -> str:
    """Return what the interpreter would print for `exc`."""
    try:
        return "".join(tracebacks.format_exception(type(exc), exc, exc.__traceback__))
    except Exception:  # because notes and causes are user objects whose formatting may fail
        return one_line(exc) + "\n"


def strip_own_frames(exc: BaseException) -> None:
    """Take the frames above the job's function off the traceback: they say nothing, and they hold the submission."""
    trace = _skip(exc.__traceback__, _OURS)
    # Below ours come those of a loop that awaited the job; a job that is itself a function of such a module has no
    # other frames, so the last ones are not given up.
    exc.__traceback__ = _skip(trace, *_LOOPS) or trace


def _skip(trace: TracebackType | None, *modules: str) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(modules):
        trace = trace.tb_next
    return trace


def forget_locals(exc: BaseException) -> None:
    """Clear the frames that `exc` holds, because what the job worked on would live as long as the exception does.

    Reaches the causes, contexts and parts of `exc` too.
    """
    seen: set[int] = set()
    todo: list[BaseException | None] = [exc]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        trace = one.__traceback__
        while trace is not None:
            _clear(trace.tb_frame)
            trace = trace.tb_next
        todo += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            todo += one.exceptions


def _clear(frame: FrameType) -> None:
    # To clear the frame of a suspended coroutine closes that coroutine (until Python 3.13). A stored exception that
    # the job raised again may hold the frame of somebody's background task, which must live on.
    if frame.f_code.co_flags & _SUSPENDABLE and not _has_ended(frame):
        return
    try:
        frame.clear()
    except RuntimeError:  # it is still being executed
        pass


def _has_ended(frame: FrameType) -> bool:
    # A frame refers to its code only when it owns its data, and it owns them when its generator has ended.
    code = frame.f_code
    return any(part is code for part in gc.get_referents(frame))
