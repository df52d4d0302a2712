"""Schedulers that a program has left running when it ends: their stores are closed then.

One callback for all of them, which keeps none of them alive, because a program may make and start very many.
"""

from __future__ import annotations

import atexit
from typing import Protocol
from weakref import WeakSet


class Closes(Protocol):
    """What can be closed at the exit."""

    def _close_at_exit(self) -> None: ...


_started: WeakSet[Closes] = WeakSet()
_registered: list[object] = []


def remember(scheduler: Closes) -> None:
    """Have a scheduler that was started closed when the program ends, if it lives then and was not closed before."""
    if not _registered:
        # When the first one starts, so that it is called before what the modules of the program have registered.
        _registered.append(atexit.register(_close_all))
    _started.add(scheduler)


def _close_all() -> None:
    for scheduler in list(_started):
        scheduler._close_at_exit()  # noqa: SLF001 - of the protocol above
