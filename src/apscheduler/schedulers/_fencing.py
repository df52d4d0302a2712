"""A scheduler that was taken for dead, and lives: frozen, swapped out, or cut off from the store for a whole lease.

Others have recorded its runs in flight as interrupted by then, and may have repeated them. What it reports of those
overwrites nothing: it is recorded beside them, as late, under the negative of the attempt that it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from apscheduler._core.claims import INTERRUPTED, Claim, Finish, NewRun, RunKey, RunQuery
from apscheduler.schedulers._steps import Call, Part

if TYPE_CHECKING:
    from apscheduler.schedulers._engine import Engine
    from apscheduler.schedulers._registry import StoreSlot


def beaten(engine: Engine, slot: StoreSlot, present: bool) -> None:
    """Note a heartbeat that was written; `present` tells whether the others had this node in their list until then."""
    # It may have stood still after it had read that list: then the silence tells.
    if not present or _silent_for_a_lease(engine, slot):
        slot.suspects |= engine.keys_in_flight(slot)
    if not present:
        engine.logger.warning(
            'Other schedulers took this one for dead in job store "%s", because it had not answered for a whole lease;'
            " its %d runs in flight were recorded as interrupted, and how they end is recorded as late",
            slot.alias,
            len(slot.suspects),
            extra={"event": "fenced"},
        )
    slot.beaten_at = engine.clock.time(), engine.clock.monotonic()


def may_be_late(engine: Engine, slot: StoreSlot, written: Sequence[Finish]) -> list[Finish]:
    """Return those of the outcomes whose runs others may have recorded as interrupted before."""
    if slot.suspects:
        return [outcome for outcome in written if outcome.key in slot.suspects]
    return list(written) if _silent_for_a_lease(engine, slot) else []


def _silent_for_a_lease(engine: Engine, slot: StoreSlot) -> bool:
    if slot.beaten_at is None:
        return False
    # Of the two clocks one stands still while a machine is suspended, and the other may be set.
    wall, monotonic = slot.beaten_at
    return max(engine.clock.time() - wall, engine.clock.monotonic() - monotonic) >= engine.lease


def record_late(engine: Engine, slot: StoreSlot, outcomes: Sequence[Finish]) -> Part:
    """Record those of the outcomes that came after their runs were recorded as interrupted."""
    store, claims = slot.store, []
    for outcome in outcomes:
        key = outcome.key
        # The one run time, and no other.
        until = math.nextafter(key.run_time, math.inf)
        query = RunQuery(key.job_id, (INTERRUPTED,), key.run_time, until, None)
        found = yield Call(partial(store.read_runs, query), store.blocks)
        if any(RunKey(*run[1:5]) == key and run.finished != outcome.finished for run in found):
            claims.append(_late(outcome))
    if claims:
        yield Call(partial(store.record_runs, engine.node.id, claims), store.blocks)
    slot.suspects.difference_update(outcome.key for outcome in outcomes)


def _late(outcome: Finish) -> Claim:
    key = outcome.key
    took = "" if outcome.started is None else f" {outcome.finished - outcome.started:.1f} s after its start"
    reason = f"late: it ended{took}, when it had been recorded as interrupted"
    if outcome.error:
        reason = f"{reason}: {outcome.error}"
    runs = [NewRun(key.run_time, outcome.status, reason)]
    return Claim(key.job_id, key.revision, None, runs, attempt=-key.attempt)
