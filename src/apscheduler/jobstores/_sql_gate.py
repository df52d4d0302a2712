"""Forks wait until no thread is inside SQLite.

Its library has locks of its own, for memory and for files. A child gets them as they are at the fork, and one that a
thread of the parent holds at that moment is held in the child for ever: its next statement would never return. So a
thread says when it goes in, and a fork waits until all are out.
"""

from __future__ import annotations

import os
import time
from threading import get_ident

PIECE = 0.0005
LONGEST_WAIT = 5.0
"""Seconds; a thread that waits for another process's transaction stays longer, but holds none of these locks then."""


class ForkGate:
    """A context that any number of threads may be in, and a thread more than once; it costs no lock."""

    def __init__(self) -> None:
        self._inside: list[int] = []
        self._closed = False

    def __enter__(self) -> None:
        own = get_ident()
        while True:
            # First in, then look: who closes it looks the other way round, so one of the two sees the other.
            self._inside.append(own)
            if not self._closed or self._inside.count(own) > 1:
                return
            self._inside.remove(own)
            while self._closed:
                time.sleep(PIECE)

    def __exit__(self, *_: object) -> None:
        own = get_ident()
        if own in self._inside:  # not so in a child that was forked from within
            self._inside.remove(own)

    def close(self) -> None:
        """Let nobody in, and wait until all other threads are out."""
        self._closed = True
        own, waited = get_ident(), 0.0
        while any(ident != own for ident in tuple(self._inside)) and waited < LONGEST_WAIT:
            time.sleep(PIECE)
            waited += PIECE

    def open(self) -> None:
        """Let everybody in again."""
        self._closed = False

    def reopen_in_child(self) -> None:
        """The same in the child, where no other thread is."""
        self._inside.clear()
        self._closed = False


gate = ForkGate()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=gate.close, after_in_parent=gate.open, after_in_child=gate.reopen_in_child)
