"""Health: what `scheduler.health()` tells, made from what is known without asking any store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

__all__ = ("Health", "StoreHealth")


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """What a scheduler knows of one of its job stores.

    Attributes:
        ok: whether its last call was answered.
        error: what the last call that failed raised, on one line; None while the store answers.
        failing_since: since when it does not answer, in UTC.
        lag: seconds by which the earliest run time that is known of has passed without being claimed; 0 if none has.
        set_aside: ids of jobs that cannot be run by this process, with the reasons.
        unwritten: how many outcomes wait to be written.
        other_nodes: how many other schedulers were seen in it by the last heartbeat.
    """

    ok: bool
    error: str | None
    failing_since: datetime | None
    lag: float
    set_aside: Mapping[str, str]
    unwritten: int
    other_nodes: int


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a scheduler does its work. Cheap: nothing is asked, so a liveness probe may look often.

    Attributes:
        ok: whether it runs, its loop lives and has made a turn within the last two minutes, and every store answers.
        state: "running", "paused" or "stopped".
        loop_alive: whether the thread that makes its turns lives; for a scheduler on an event loop, whether it runs.
        last_turn_age: seconds since the last turn; None before the first. A turn is made at least once a minute.
        live_runs: how many runs are with the executors, running or waiting for a worker.
        lag: the greatest lag of its stores, in seconds.
        stores: by alias.
    """

    ok: bool
    state: str
    loop_alive: bool
    last_turn_age: float | None
    live_runs: int
    lag: float
    stores: Mapping[str, StoreHealth]
