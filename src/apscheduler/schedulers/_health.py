"""Putting together what `scheduler.health()` tells."""

from __future__ import annotations

from datetime import UTC, datetime

from apscheduler.executors._failure import one_line
from apscheduler.health import Health, StoreHealth
from apscheduler.schedulers._engine import Engine
from apscheduler.schedulers._registry import StoreSlot
from apscheduler.schedulers._states import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED

LONGEST_SILENCE = 120.0
"""Seconds without a turn after which a loop is taken for stuck; two sleeps of the longest kind."""

_NAMES = {STATE_STOPPED: "stopped", STATE_RUNNING: "running", STATE_PAUSED: "paused"}


def health_of(engine: Engine, state: int, loop_alive: bool) -> Health:
    """Return the health of a scheduler from what its engine knows; asks no store and takes no lock."""
    stores = {slot.alias: _store_health(engine, slot, state) for slot in engine.registry}
    age = None if engine.turned_at is None else engine.clock.monotonic() - engine.turned_at
    return Health(
        ok=state != STATE_STOPPED
        and loop_alive
        and (age is None or age < LONGEST_SILENCE)
        and all(store.ok for store in stores.values()),
        state=_NAMES[state],
        loop_alive=loop_alive,
        last_turn_age=age,
        live_runs=engine.live,
        lag=max((store.lag for store in stores.values()), default=0.0),
        stores=stores,
    )


def _store_health(engine: Engine, slot: StoreSlot, state: int) -> StoreHealth:
    since, error, due = slot.failing_since, slot.error, slot.next_due
    lag = 0.0 if due is None or state != STATE_RUNNING else max(0.0, engine.clock.time() - due)
    return StoreHealth(
        ok=error is None,
        error=None if error is None else one_line(error),
        failing_since=None if since is None else datetime.fromtimestamp(since, UTC),
        lag=lag,
        set_aside={job_id: aside.reason for job_id, aside in list(slot.aside.items()) if aside.said},
        unwritten=len(slot.outcomes) + len(slot.writing),
        other_nodes=slot.others,
    )
