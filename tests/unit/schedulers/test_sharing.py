"""Two schedulers on one SQLite file, both driven by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.manual import ManualScheduler
from apscheduler.triggers.base import BaseTrigger

RAN: list[str] = []


def note(value: str) -> None:
    RAN.append(value)


@pytest.fixture
def pair(tmp_path) -> Iterator[tuple[ManualScheduler, ManualScheduler]]:
    RAN.clear()
    clock = FakeClock()
    url = f"sqlite:///{tmp_path}/jobs.sqlite"
    schedulers = [
        ManualScheduler(clock=clock, jobstores={"default": SQLAlchemyJobStore(url)}) for _ in range(2)
    ]
    for scheduler in schedulers:
        scheduler.start()
        scheduler.turn()
    first = schedulers[0]
    first._heartbeat.beat(first._engine.registry.store("default"))  # what its thread does every ten seconds
    yield schedulers[0], schedulers[1]
    for scheduler in schedulers:
        if scheduler.running:
            scheduler.shutdown()


def both_pass_time(pair, seconds: float, steps: int) -> None:
    for _ in range(steps):
        pair[0].clock.advance(seconds=seconds)
        for scheduler in pair:
            scheduler.turn()


def test_a_run_time_is_started_by_one_of_them(pair):
    pair[0].add_job(note, "interval", seconds=10, args=["a"], id="j")
    both_pass_time(pair, 1, steps=100)
    assert RAN == ["a"] * 10
    assert len(pair[1].get_runs("j", status="succeeded")) == 10


def test_the_numbers_of_a_program_that_seeds_random_are_the_same_beside_them(pair):
    pair[0].add_job(note, "interval", seconds=10, args=["a"], id="j")
    before = random.getstate()
    both_pass_time(pair, 1, steps=30)  # with polls, whose pauses are drawn
    assert len(RAN) == 3
    assert random.getstate() == before


def test_what_one_of_them_adds_is_run_by_the_other_when_the_first_has_gone(pair):
    pair[0].add_job(note, "interval", seconds=5, args=["a"], id="j")
    pair[0].shutdown()
    for _ in range(12):
        pair[1].pass_time(1)
    assert RAN == ["a", "a"]


def test_they_see_each_other_until_one_signs_off(pair):
    assert {node.id for node in pair[0].get_nodes()} == {s._engine.node.id for s in pair}
    pair[0].shutdown()
    assert [node.id for node in pair[1].get_nodes()] == [pair[1]._engine.node.id]


def test_a_change_by_one_of_them_is_seen_by_the_other(pair):
    pair[0].add_job(note, "interval", hours=5, args=["a"], id="j")
    pair[1].modify_job("j", args=["b"], next_run_time=pair[0].clock.now())
    pair[0].turn()
    both_pass_time(pair, 1, steps=2)
    assert RAN == ["b"]


class Twice(BaseTrigger):
    """Fires twice, and keeps count in itself."""

    def __init__(self) -> None:
        self.left = 2

    def get_next_fire_time(self, previous_fire_time, now):
        if previous_fire_time is not None:
            self.left -= 1
        return (previous_fire_time or now) + timedelta(seconds=10) if self.left else None


def test_a_trigger_of_the_users_own_may_keep_count_in_itself(pair):
    pair[0].add_job(note, Twice(), args=["a"], id="j")
    both_pass_time(pair, 1, steps=60)
    assert RAN == ["a", "a"]
    assert pair[1].get_job("j") is None


def test_one_of_them_does_not_poll_when_it_is_alone(pair):
    from sqlalchemy import event

    first, second = pair
    second.shutdown()
    slot = first._engine.registry.store("default")
    first._heartbeat.beat(slot)
    first.turn()
    statements = []
    event.listen(slot.given.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    first.pass_time(60, steps=10)
    assert statements == []
