"""Nodes: how schedulers that share a store see each other, and what a dead one leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from _scheduler_parts import RAN, Every, Held, WaitingStore, note, until

from apscheduler._core.claims import NodeRow
from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_INTERRUPTED
from apscheduler.schedulers import _node
from apscheduler.schedulers._heartbeat import Heartbeat
from apscheduler.schedulers._node import is_gone, new_node
from apscheduler.testing.manual import ManualScheduler

LEASE = 30.0


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


@pytest.fixture
def store():
    return WaitingStore()


@pytest.fixture
def dead(store):
    """A scheduler that has died with a run in flight: nobody shuts it down, and its heart has stopped."""
    held = Held()
    scheduler = ManualScheduler(jobstores={"default": store}, executors={"default": held})
    scheduler.start()
    scheduler.add_job(note, Every(5), id="j", misfire_grace_time=None)
    scheduler.pass_time(5)
    scheduler._heartbeat.stop()
    yield scheduler
    scheduler.shutdown(timeout=0)


@pytest.fixture
def alive(store, dead):
    scheduler = ManualScheduler(jobstores={"default": store}, clock=dead.clock)
    scheduler.start()
    scheduler.turn()
    scheduler.recorder.clear()
    yield scheduler
    scheduler.shutdown()


def beat(scheduler, after=0.0):
    """Let one heartbeat of `scheduler` come after so many seconds."""
    scheduler.clock.advance(seconds=after)
    [slot] = scheduler._engine.registry
    scheduler._engine.next_beat()
    Heartbeat(scheduler._engine, LEASE).beat(slot)


def test_a_scheduler_is_a_node_of_its_store_while_it_runs(store):
    scheduler = ManualScheduler(jobstores={"default": store})
    scheduler.start()
    [node] = store.read_nodes()
    assert (node.pid, node.started) == (os.getpid(), scheduler.clock.time())
    [told] = scheduler.get_nodes()
    assert (told.id, told.pid, told.started_at) == (node.id, node.pid, scheduler.clock.now())
    assert (told.last_seen, told.state, told.runs_in_flight) == (scheduler.clock.now(), "running", 0)
    scheduler.shutdown()
    assert store.read_nodes() == []


def test_schedulers_of_one_store_see_each_other(alive, dead):
    assert {node.id for node in alive.get_nodes()} == {node.id for node in dead.get_nodes()}
    assert len(alive.get_nodes()) == 2
    assert len(alive.get_nodes("default")) == 2
    assert alive.get_nodes("nowhere") == []


def test_each_beat_raises_the_counter(alive):
    def counter():
        rows = alive._engine.registry.store("default").store.read_nodes()
        return {node.id: node.counter for node in rows}[alive._engine.node.id]

    before = counter()
    beat(alive)
    beat(alive)
    assert counter() == before + 2 * 2
    alive.pause()
    beat(alive)
    assert counter() == before + 3 * 2 + 1  # which tells the others that it is paused


def test_the_runs_of_a_dead_node_are_interrupted_after_a_lease_and_told_once(alive, dead):
    beat(alive, after=LEASE / 2)
    assert EVENT_JOB_INTERRUPTED not in alive.recorder.codes
    beat(alive, after=LEASE / 2)
    beat(alive, after=LEASE)
    [event] = [event for event in alive.recorder if event.code == EVENT_JOB_INTERRUPTED]
    assert (event.job_id, event.jobstore, event.node) == ("j", "default", dead._engine.node.id)
    [run] = alive.get_runs("j")
    assert (run.status, run.reason) == ("interrupted", f"node {dead._engine.node.id} died")
    assert [node.id for node in alive.get_nodes()] == [alive._engine.node.id]


def test_a_node_that_beats_is_not_dead_however_long_its_runs_take(alive, dead):
    for _ in range(10):
        beat(dead)
        beat(alive, after=LEASE / 2)
    assert [run.status for run in alive.get_runs("j")] == ["running"]


def test_a_dead_nodes_run_counts_until_it_is_taken_over(alive):
    alive.pass_time(5)
    assert RAN == []  # max_instances is 1, and one run is in flight as far as anybody knows
    beat(alive, after=LEASE / 2)
    beat(alive, after=LEASE / 2)
    alive.turn()
    assert RAN == [None]
    assert EVENT_JOB_EXECUTED in alive.recorder.codes


def test_clocks_that_jump_do_not_make_a_node_dead(alive):
    alive.clock.jump(hours=5)
    beat(alive)
    assert EVENT_JOB_INTERRUPTED not in alive.recorder.codes


def test_a_heartbeat_that_does_not_get_through_is_left_for_the_next(alive, store):
    def down(node):
        raise OSError("down")

    store.heartbeat = down
    beat(alive)
    del store.heartbeat
    beat(alive)
    assert len(alive.get_nodes()) == 2


def test_hearts_beat_in_a_thread_of_their_own(store):
    before = set(threading.enumerate())
    scheduler = ManualScheduler(jobstores={"default": store}, lease=0.03)
    scheduler.start()
    counter = store.read_nodes()[0].counter
    until(lambda: store.read_nodes()[0].counter > counter + 2 * 2)
    assert threading.get_ident() in store.threads["heartbeat"]  # the first, at the start
    assert len(store.threads["heartbeat"]) == 2
    scheduler.shutdown()
    assert "APScheduler-heartbeat" not in {thread.name for thread in set(threading.enumerate()) - before}


def test_no_beat_comes_after_the_node_has_signed_off(store):
    """Its row would stay, as that of a node that nobody is."""
    for _ in range(20):
        start_and_stop_after_a_beat(store)
        assert store.read_nodes() == []


def start_and_stop_after_a_beat(store):
    scheduler = ManualScheduler(jobstores={"default": store}, lease=0.001)
    scheduler.start()
    counter = store.read_nodes()[0].counter
    until(lambda: store.read_nodes()[0].counter > counter)
    scheduler.shutdown()


def test_a_scheduler_on_memory_alone_has_no_heartbeat():
    scheduler = ManualScheduler()
    scheduler.start()
    assert scheduler._heartbeat is None
    scheduler.shutdown()


# -- nodes on the same machine -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
class TestIsGone:
    def node(self, pid, born=None):
        own = new_node(0.0)
        host, _, _, unique = own.id.split(":")
        return NodeRow(f"{host}:{pid}:{born or _node._born(pid)}:{unique}", own.host, pid, 0.0, 1)

    def test_a_process_that_has_ended_is_gone(self):
        process = subprocess.Popen([sys.executable, "-c", ""])
        node = self.node(process.pid)
        process.wait()
        assert is_gone(node)

    def test_a_process_that_lives_is_not_gone_whatever_the_wall_clock_says(self):
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            assert not is_gone(self.node(process.pid))
        finally:
            process.communicate()

    def test_a_process_id_that_was_given_to_another_process_is_gone(self):
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            assert is_gone(self.node(process.pid, born="17"))
        finally:
            process.communicate()

    def test_this_process_is_not_gone(self):
        assert not is_gone(new_node(0.0))

    def test_of_another_machine_nothing_is_known(self):
        assert not is_gone(NodeRow("other:1:1:x", "other", 1, 0.0, 1))
        assert not is_gone(NodeRow("x", new_node(0.0).host.partition("/")[0], 999_999_999, 0.0, 1))

    def test_a_node_that_does_not_tell_when_it_was_born_is_judged_by_its_process_id(self):
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            assert not is_gone(self.node(process.pid, born="?"))
            assert not is_gone(NodeRow("x", new_node(0.0).host, process.pid, 0.0, 1))
        finally:
            process.communicate()

    def test_a_scheduler_takes_over_at_its_start_from_a_process_that_has_ended(self, store):
        process = subprocess.Popen([sys.executable, "-c", ""])
        node = self.node(process.pid)
        process.wait()
        store.heartbeat(node)
        scheduler = ManualScheduler(jobstores={"default": store})
        scheduler.start()
        assert [n.id for n in scheduler.get_nodes()] == [scheduler._engine.node.id]
        scheduler.shutdown()
