"""Real forks for tests: a function is called in a child of this process, and its answer comes back."""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

PATIENCE = 20.0
"""Seconds until a child counts as stuck."""


class ChildError(AssertionError):
    """The function raised in the child; the message is the traceback there."""


def in_child(func: Callable[[], Any]) -> Any:
    """Return what `func()` returns in a child of this process, which ends without the end of an interpreter."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads run here, and that is what is tested
        child = os.fork()
    if not child:
        _answer(func, writing)
    os.close(writing)
    try:
        good, answer = pickle.loads(_all_of(reading))
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        raise AssertionError("the child is stuck") from None
    finally:
        os.close(reading)
        os.waitpid(child, 0)
    if not good:
        raise ChildError(answer)
    return answer


def _answer(func: Callable[[], Any], writing: int) -> None:
    try:
        try:
            answer = pickle.dumps((True, func()))
        except BaseException:
            answer = pickle.dumps((False, traceback.format_exc()))
        with os.fdopen(writing, "wb") as line:
            line.write(answer)
    finally:
        sys.stderr.flush()
        os._exit(0)


def _all_of(reading: int) -> bytes:
    parts = []
    while True:
        if not select.select([reading], [], [], PATIENCE)[0]:
            raise TimeoutError
        part = os.read(reading, 65536)
        if not part:
            return b"".join(parts)
        parts.append(part)
