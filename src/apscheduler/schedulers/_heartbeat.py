"""The thread that keeps this node alive in shared stores, and ends what dead nodes left behind.

It has a thread of its own, because a lease that is renewed on a busy event loop, or after a long job, is lost.
"""

from __future__ import annotations

from collections.abc import Callable

from apscheduler._chance import between
from apscheduler._core.claims import RUNNING, NodeRow, RunQuery
from apscheduler._core.leases import observe
from apscheduler._core.sharing import share_of
from apscheduler._native import Flag, NativeThread
from apscheduler.schedulers._engine import PRUNE_INTERVAL, Engine
from apscheduler.schedulers._fencing import beaten
from apscheduler.schedulers._node import is_gone
from apscheduler.schedulers._others import tell_interrupted
from apscheduler.schedulers._registry import StoreSlot

BEATS_PER_LEASE = 3
LONGEST_WAIT = 5.0
"""Seconds to wait for a beat that is under way when the scheduler stops; a store that is down may take longer."""


class Heartbeat:
    """Beats three times a lease in every store that waits for I/O, until stopped.

    Before each beat `is_over()` is asked; once that is true `at_end()` is called instead, because a node whose event
    loop was closed runs nothing, and others would wait for it.
    """

    def __init__(
        self,
        engine: Engine,
        lease: float,
        is_over: Callable[[], bool] = lambda: False,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._lease = lease
        self._is_over = is_over
        self._at_end = at_end
        self._stop = Flag()
        self._thread: NativeThread | None = None

    def start(self) -> None:
        """Start the thread, unless it runs."""
        if self._thread is None:
            self._thread = NativeThread(self._run, "APScheduler-heartbeat")
            self._thread.start()

    def stop(self) -> None:
        """Have the thread end, and wait for a beat that is under way; it does not beat again."""
        self._stop.set()
        if self._thread is not None and not self._thread.is_current():
            self._thread.join(LONGEST_WAIT)

    def _run(self) -> None:
        while not self._stop.wait(self._lease / BEATS_PER_LEASE * between(0.9, 1.0)):
            if self._is_over():
                self._at_end()
                continue
            self._engine.next_beat()
            for slot in self._engine.registry:
                if slot.started and slot.store.blocks and not self._stop.is_set():
                    self.beat(slot)

    def beat(self, slot: StoreSlot) -> None:
        """Write this node's heartbeat, take over from dead nodes, prune the run log; a store that fails is left."""
        engine = self._engine
        try:
            present = self.look_after_others(slot)
            slot.store.heartbeat(engine.node)
            beaten(engine, slot, present)
            if slot.store.read_reruns(1):
                slot.reruns_asked = True
                engine.wake()
            if slot.store.shared:
                # Because a program may have come, added a job and gone between two beats.
                engine.store_changed(slot)
            now = engine.clock.monotonic()
            if now - slot.pruned_at >= PRUNE_INTERVAL:
                engine.prune(slot, now)
        except Exception:
            # The turn reports the outage; here it only means that the lease is not renewed.
            engine.logger.debug(
                "No heartbeat in %s", slot.alias, exc_info=True, extra={"event": "heartbeat_failed"}
            )

    def _with_nameless(self, slot: StoreSlot, nodes: list[NodeRow]) -> list[NodeRow]:
        """Return the nodes of a store, and those of which only their running runs tell.

        A node that was held for dead has no row until its next beat. If it claims before that, and dies, its runs
        would count as live for ever.
        """
        running = slot.store.read_runs(RunQuery(statuses=(RUNNING,), limit=None))
        nameless = {run.node for run in running if run.node}.difference(node.id for node in nodes)
        return [*nodes, *(NodeRow(node_id, "", 0, 0.0, 0) for node_id in nameless)]

    def look_after_others(self, slot: StoreSlot) -> bool:
        """Record the runs of nodes that are dead, or whose process is known to be gone, as interrupted.

        Returns whether this node is among those that are listed, and so was not taken for dead itself.
        """
        engine = self._engine
        listed = list(slot.store.read_nodes())
        nodes = [node for node in self._with_nameless(slot, listed) if node.id != engine.node.id]
        slot.sightings, dead = observe(slot.sightings, nodes, engine.clock.monotonic(), self._lease)
        others = len(nodes)
        alive = []
        for node in nodes:
            if node in dead or is_gone(node):
                others -= 1
                reason = f"node {node.id} died"
                runs = slot.store.take_over(node.id, engine.clock.time(), reason)
                tell_interrupted(engine, slot, runs)
                if runs:
                    slot.reruns_asked = True
                    engine.store_changed(slot)
            else:
                alive.append(node)
        slot.share = share_of(engine.node.id, alive)
        if others and not slot.others:
            engine.wake()  # because the driver sleeps as one does who is alone
        slot.others = others
        return any(node.id == engine.node.id for node in listed)
