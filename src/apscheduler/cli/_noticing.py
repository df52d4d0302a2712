"""Making sure that running schedulers notice what was changed in their store.

A scheduler that is alone in its store reads it when the next run time that it knows of has come, and with each
heartbeat (10 s by default), which is too late for a job that may start 1 s late. Only where it sees another node does
it read once a second. So a command that makes a job run earlier signs on as a node for a while, until each of the
others has beaten once and so has seen it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import NodeRow
from apscheduler.jobstores.base import ClaimingJobStore
from apscheduler.schedulers._node import is_gone, new_node

LONGEST_WAIT = 15.0
"""Seconds: longer than the third of the default lease (30 s) after which each scheduler beats."""
POLLING = 1.3
"""Seconds within which a scheduler that has seen another node reads the store."""
_PAUSE = 0.1
_BEAT = 0.5


class Presence:
    """This process as a node of a store; the other nodes that are alive, as far as can be told."""

    def __init__(self, store: ClaimingJobStore) -> None:
        self._store = store
        self._node = new_node(SYSTEM.time())
        self._beaten_at = 0.0

    def others(self) -> list[NodeRow]:
        """Return the other nodes, without those whose process is known to be gone."""
        return [node for node in self._store.read_nodes() if node.id != self._node.id and not is_gone(node)]

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Stay signed on until `condition()` holds or the time is up; return whether it holds."""
        until = SYSTEM.monotonic() + seconds
        while not condition():
            if SYSTEM.monotonic() >= until:
                return False
            self._beat()
            time.sleep(_PAUSE)
        return True

    def wait_until_seen(self) -> bool:
        """Stay until every other node that is there now has beaten or gone; return whether one of them lives."""
        before = {node.id: node.counter for node in self.others()}
        if not before:
            return False
        self._beat()

        def silent() -> list[str]:
            now = {node.id: node.counter for node in self.others()}
            return [node for node, counter in before.items() if now.get(node) == counter]

        self.wait_until(lambda: not silent(), LONGEST_WAIT)
        return len(silent()) < len(before)

    def _beat(self) -> None:
        # Often, so that no other node takes this one for dead, however short its lease.
        now = SYSTEM.monotonic()
        if now - self._beaten_at >= _BEAT or not self._beaten_at:
            self._beaten_at = now
            self._node = self._node._replace(counter=self._node.counter + 1)
            self._store.heartbeat(self._node)

    def sign_off(self) -> None:
        """Remove this node from the store."""
        if self._beaten_at:
            self._store.take_over(self._node.id, SYSTEM.time(), "the command ended")


@contextmanager
def presence(store: ClaimingJobStore) -> Iterator[Presence]:
    """Return this process as a node, which is signed off at the end; it signs on only where it has to wait."""
    made = Presence(store)
    try:
        yield made
    finally:
        made.sign_off()
