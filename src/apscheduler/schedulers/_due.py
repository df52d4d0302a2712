"""What is due in a store, and what of it this scheduler takes: all of it, or its share where others take theirs."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from apscheduler._core.claims import DueRow
from apscheduler._core.sharing import SHARED_FROM, WHOLE, choose
from apscheduler.schedulers._aside import forget_aside
from apscheduler.schedulers._others import look_who_shares
from apscheduler.schedulers._steps import Call

if TYPE_CHECKING:
    from apscheduler.schedulers._engine import Engine
    from apscheduler.schedulers._registry import StoreSlot

BATCH = 1000
LEFT_PAUSE = 0.05
"""Seconds until a store is read again where all that is due in it was left to others."""
HELP_AFTER = 0.25
"""Seconds until this scheduler takes what it has left to others, who may be slow, or dead."""


class Taken(NamedTuple):
    """The rows to decide on; whether as many were due as are read at once; whether to read again at once."""

    rows: Sequence[DueRow]
    full: bool
    more: bool


def take_due(engine: Engine, slot: StoreSlot, now: float) -> Generator[Call, Any, Taken]:
    """Read what is due, and return what falls to this scheduler now."""
    limit = BATCH + len(slot.aside)
    if slot.crowded and slot.share.parts > 1 and not slot.aside:
        taken = yield from _take_share(engine, slot, now, limit)
        if taken is not None:
            return taken
    rows, next_due = yield Call(partial(slot.store.read_due, now, limit), slot.store.blocks)
    slot.end_reading(next_due)
    full = len(rows) >= limit
    forget_aside(slot, rows)
    if full and slot.store.shared:
        yield from look_who_shares(engine, slot)
    moment = engine.clock.monotonic()
    leaves = len(rows) >= SHARED_FROM if slot.help_at is None else moment < slot.help_at
    rows, left, helping = choose(rows, WHOLE if slot.aside else slot.share, leaves)
    if not left:
        slot.help_at = None
    elif slot.help_at is None:
        slot.help_at = moment + HELP_AFTER
    slot.crowded = full and left and not helping
    more = full or helping
    slot.dirty = slot.dirty or more
    if left and not more:
        slot.note(now + LEFT_PAUSE)
    return Taken(rows, full, more)


def _take_share(
    engine: Engine, slot: StoreSlot, now: float, limit: int
) -> Generator[Call, Any, Taken | None]:
    """Read only what falls to this scheduler; return None when that is done and it is time to help the others."""
    rows, _ = yield Call(partial(slot.store.read_share, now, limit, *slot.share), slot.store.blocks)
    if rows:
        slot.help_at = None
        slot.dirty = True
        return Taken(rows, full=True, more=True)
    moment = engine.clock.monotonic()
    if slot.help_at is None:
        slot.help_at = moment + HELP_AFTER
    if moment >= slot.help_at:
        slot.crowded = False
        return None
    slot.end_reading(None)
    slot.note(now + LEFT_PAUSE)
    return Taken((), full=False, more=False)
