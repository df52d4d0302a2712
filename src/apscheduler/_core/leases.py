"""Which nodes are alive: heartbeat counters, judged on the observer's own monotonic clock.

No clocks are compared between machines. A node is dead for an observer that has seen its counter unchanged for a
whole lease.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from apscheduler._core.claims import NodeRow


class Sighting(NamedTuple):
    """The last change that was seen of a node: its counter, and when (seconds on the observer's monotonic clock)."""

    counter: int
    at: float


def observe(
    seen: Mapping[str, Sighting], nodes: Iterable[NodeRow], now: float, lease: float
) -> tuple[dict[str, Sighting], list[NodeRow]]:
    """Return what is known after looking at `nodes` at `now`, and the nodes that are dead.

    Nodes that have signed off are forgotten.
    """
    known: dict[str, Sighting] = {}
    dead: list[NodeRow] = []
    for node in nodes:
        before = seen.get(node.id)
        if before is None or before.counter != node.counter:
            known[node.id] = Sighting(node.counter, now)
        else:
            known[node.id] = before
            if now - before.at >= lease:
                dead.append(node)
    return known, dead
