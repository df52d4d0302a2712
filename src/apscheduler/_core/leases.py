"""Which nodes are alive: heartbeat counters, judged on the observer's own monotonic clock.

No clocks are compared between machines. A node is dead for an observer that has seen its counter unchanged for a
whole lease. An observer that could not look for long - because the store did not answer, or it was frozen itself -
has not seen that: the others may have been held up by the same, and are given time to beat again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from apscheduler._core.claims import NodeRow


class Sighting(NamedTuple):
    """What was seen of a node: its counter, since when that is so, and when it was last looked at.

    Both are seconds on the observer's monotonic clock; time that the observer did not watch is left out of `at`.
    """

    counter: int
    at: float
    looked: float


def observe(
    seen: Mapping[str, Sighting], nodes: Iterable[NodeRow], now: float, lease: float
) -> tuple[dict[str, Sighting], list[NodeRow]]:
    """Return what is known after looking at `nodes` at `now`, and the nodes that are dead.

    Between two looks at most half a lease counts. Nodes that have signed off are forgotten.
    """
    known: dict[str, Sighting] = {}
    dead: list[NodeRow] = []
    for node in nodes:
        before = seen.get(node.id)
        if before is None or before.counter != node.counter:
            known[node.id] = Sighting(node.counter, now, now)
        else:
            unwatched = max(now - before.looked - lease / 2, 0.0)
            known[node.id] = Sighting(node.counter, before.at + unwatched, now)
            if now - known[node.id].at >= lease:
                dead.append(node)
    return known, dead
