"""The other schedulers of a store: what they change is heard of, what they leave behind is told of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from apscheduler._chance import between
from apscheduler._core.claims import StoredRun
from apscheduler._core.sharing import share_of
from apscheduler.events import EVENT_JOB_INTERRUPTED, JobInterruptedEvent
from apscheduler.schedulers._steps import Call, Part

if TYPE_CHECKING:
    from apscheduler.schedulers._engine import Engine
    from apscheduler.schedulers._registry import StoreSlot

POLL_INTERVAL = 1.0


def listen(engine: Engine, slot: StoreSlot) -> None:
    """Have changes that others make wake this scheduler, where the server can tell of them."""
    if slot.store.shared and slot.unsubscribe is None:
        slot.unsubscribe = slot.store.subscribe(partial(engine.store_changed, slot))


def stop_listening(slot: StoreSlot) -> None:
    """End what `listen()` has begun."""
    unsubscribe, slot.unsubscribe = slot.unsubscribe, None
    if unsubscribe is not None:
        unsubscribe()


def seconds_until_poll(engine: Engine, slot: StoreSlot) -> float:
    """Have a store that cannot tell of changes read once a second while other schedulers share it.

    Returns the seconds until the next such reading; infinity for a store that tells.
    """
    if slot.unsubscribe is not None:
        return float("inf")
    now = engine.clock.monotonic()
    if now >= slot.poll_at:
        slot.dirty = True
        slot.poll_at = now + POLL_INTERVAL * between(0.8, 1.2)
    return slot.poll_at - now


def leave_claimed(engine: Engine, slot: StoreSlot) -> Part:
    """End what was claimed while another thread removed the store, and signed off there: nobody else would."""
    reason = "its job store was removed"
    leave = partial(slot.store.take_over, engine.node.id, engine.clock.time(), reason)
    tell_interrupted(engine, slot, (yield Call(leave, slot.store.blocks)))


def look_who_shares(engine: Engine, slot: StoreSlot) -> Part:
    """Look who lives in a store that others fire jobs from, at most once a second; the heartbeat does so less often."""
    now = engine.clock.monotonic()
    if now - slot.shared_at >= POLL_INTERVAL:
        slot.shared_at = now
        nodes = yield Call(slot.store.read_nodes, slot.store.blocks)
        slot.share = share_of(engine.node.id, nodes)


def tell_interrupted(engine: Engine, slot: StoreSlot, runs: Sequence[StoredRun]) -> None:
    """Tell listeners of runs that were taken over from a node that died."""
    for run in runs:
        engine.logger.warning(
            "A run of job %s was interrupted: %s", run.job_id, run.reason, extra={"event": "job_interrupted"}
        )
        if engine.listeners.mask & EVENT_JOB_INTERRUPTED:
            time = datetime.fromtimestamp(run.run_time, UTC)
            engine.listeners.tell(
                JobInterruptedEvent(EVENT_JOB_INTERRUPTED, run.job_id, slot.alias, time, run.node or "")
            )
