"""Whether a signal's handler has come in the middle of one of our own calls.

Python runs a handler between two steps of whatever the main thread does. If that is a call of a scheduler or a store,
a lock or a transaction may be held, which is given back only after the handler has returned. A shutdown waits for
threads that may need it, so a handler must not wait for a shutdown there.

Nothing in the hot paths is marked for this: the frames of the main thread tell it, in the rare case that is asked.
"""

from __future__ import annotations

import sys
import threading
from types import FrameType

# What calls functions of the user, or sleeps, with nothing held; a scheduler may be shut down from there.
_CALLING_OUT = (
    "apscheduler.cli.",
    "apscheduler.executors.",
    "apscheduler.schedulers._listeners",
    "apscheduler.schedulers._loop_driver",
    "apscheduler.schedulers._signals",
    "apscheduler.schedulers.blocking",
    "apscheduler.testing.",
)


def in_our_own_call() -> bool:
    """Return whether the caller was called, in the main thread, from within a call of this package.

    Around the caller's own frames there may be several such calls, because handlers interrupt each other, and call
    what has listeners; each is judged by where it stands.
    """
    if threading.current_thread() is not threading.main_thread():
        return False  # handlers run nowhere else
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - documented, and inspect is slow to import
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    standing_in_ours = True  # as the frames that were skipped do
    while frame is not None:
        ours = _is_ours(frame)
        if ours and not standing_in_ours and not _name(frame).startswith(_CALLING_OUT):
            return True
        standing_in_ours = ours
        frame = frame.f_back
    return False


def _is_ours(frame: FrameType) -> bool:
    return _name(frame).startswith("apscheduler.")


def _name(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name if isinstance(name, str) else ""
