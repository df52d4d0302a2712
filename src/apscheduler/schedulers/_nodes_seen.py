"""Putting together what `scheduler.get_nodes()` tells."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from apscheduler._core.claims import RUNNING, NodeRow, RunQuery
from apscheduler.nodes import Node
from apscheduler.schedulers._engine import Engine
from apscheduler.schedulers._node import is_gone
from apscheduler.schedulers._registry import StoreSlot


def nodes_of(engine: Engine, slot: StoreSlot) -> list[Node]:
    """Return the nodes of a store, from two statements and from what the heartbeat has seen of them."""
    running = slot.store.read_runs(RunQuery(statuses=(RUNNING,), limit=None))
    in_flight = Counter(run.node for run in running)
    return [_node(engine, slot, row, in_flight[row.id]) for row in slot.store.read_nodes()]


def _node(engine: Engine, slot: StoreSlot, row: NodeRow, in_flight: int) -> Node:
    silent_for = _silent_for(engine, slot, row)
    if is_gone(row):
        state = "gone"
    elif silent_for is not None and silent_for >= engine.lease / 2:
        state = "silent"
    else:
        state = "paused" if row.counter % 2 else "running"
    seen = None if silent_for is None else datetime.fromtimestamp(engine.clock.time() - silent_for, UTC)
    started = datetime.fromtimestamp(row.started, UTC)
    return Node(row.id, row.host.partition("/")[0], row.pid, started, seen, state, in_flight)


def _silent_for(engine: Engine, slot: StoreSlot, row: NodeRow) -> float | None:
    """Return the seconds since a heartbeat of a node was seen; 0 for one that nobody has seen before."""
    if row.id == engine.node.id:
        return 0.0
    sighting = slot.sightings.get(row.id)
    if sighting is None:
        return None
    return 0.0 if sighting.counter != row.counter else engine.clock.monotonic() - sighting.at
