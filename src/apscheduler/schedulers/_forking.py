"""Schedulers and `fork()`: a child has none of the threads that run one, and must not touch what the parent uses.

So in a child every scheduler is stopped, and what it would share with its parent - connections, locks that another
thread may have held at that moment, pools of threads that are not there - is let go of without being closed or used.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.schedulers._engine import Engine
from apscheduler.schedulers._listeners import Listeners
from apscheduler.schedulers._registry import Registry


class Forks(Protocol):
    """What is told that it is in a child."""

    def _leave_parent(self, parent: int) -> None: ...


_all: WeakSet[Forks] = WeakSet()


def remember(scheduler: Forks) -> None:
    """Have a scheduler told in each child that this process forks."""
    _all.add(scheduler)


def _in_child() -> None:
    parent = os.getppid()
    for scheduler in list(_all):
        scheduler._leave_parent(parent)  # noqa: SLF001 - of the protocol above


def abandoned(old: Engine) -> Engine:
    """Leave all that was under way to the process that this one was forked from; return an engine to begin anew.

    What of the old one goes on in the thread that has forked - a turn, a run - finds nothing to submit or write to.
    """
    old.stopping = old.executors_closed = True
    registry, old.registry = old.registry, Registry()
    listeners, old.listeners = old.listeners, Listeners(old.logger)
    engine = Engine(old.clock, old.logger, old.wake)
    engine.timezone, engine.retry_interval = old.timezone, old.retry_interval
    engine.retention, engine.lease = old.retention, old.lease
    engine.listeners = listeners.copy()
    parts: list[BaseExecutor | BaseJobStore] = []
    for alias, executor in registry.executors.items():
        parts.append(executor)
        engine.registry.add_executor(alias, executor)
    for slot in registry:
        slot.started = False
        parts.append(slot.given)
        engine.registry.add_store(slot.alias, slot.given)
    for part in parts:
        try:
            part.forked()
        except Exception:
            old.logger.exception("Could not leave %r to the parent process", part)
    return engine


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
