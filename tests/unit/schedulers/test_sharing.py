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


class TestManyJobsAtOnce:
    """Each takes its share, and what the other has left it takes a while later."""

    COUNT = 100

    @pytest.fixture
    def claimed(self, pair, monkeypatch) -> dict[ManualScheduler, list[tuple[int, int]]]:
        """How many jobs each of them has claimed, and how many of these it has won."""
        claimed: dict[ManualScheduler, list[tuple[int, int]]] = {}
        for scheduler in pair:
            store, mine = scheduler._engine.registry.store("default").given, []
            claimed[scheduler] = mine

            def claim(node, claims, claim=store.claim, mine=mine):
                won = claim(node, claims)
                mine.append((len(claims), len(won)))
                return won

            monkeypatch.setattr(store, "claim", claim)
        for scheduler in pair:
            scheduler._heartbeat.beat(scheduler._engine.registry.store("default"))
        run_date = pair[0].clock.now() + timedelta(seconds=10)
        pair[0].add_jobs(
            {
                "func": note,
                "trigger": "date",
                "run_date": run_date,
                "args": [str(n)],
                "misfire_grace_time": None,
            }
            for n in range(self.COUNT)
        )
        for scheduler in pair:
            scheduler.turn()
        pair[0].clock.advance(seconds=10)
        return claimed

    def test_each_takes_its_own_and_nothing_is_claimed_in_vain(self, pair, claimed):
        for scheduler in pair:
            scheduler.turn()
            pair[0].clock.advance(seconds=0.05)
        (mine, won), (others, others_won) = claimed[pair[0]][0], claimed[pair[1]][0]
        assert (mine, others) == (won, others_won)
        assert mine + others == self.COUNT
        assert all(len(each) == 1 for each in claimed.values())
        assert sorted(RAN, key=int) == [str(n) for n in range(self.COUNT)]

    def test_what_the_other_does_not_take_is_taken_a_quarter_of_a_second_later(self, pair, claimed):
        first, _ = pair
        for _ in range(4):
            assert 0 < first.turn() <= 0.05
            first.clock.advance(seconds=0.05)
        assert [won for _, won in claimed[first]] == [len(RAN)]
        assert len(RAN) < self.COUNT
        first.clock.advance(seconds=0.06)
        first.turn()
        assert sorted(RAN, key=int) == [str(n) for n in range(self.COUNT)]
        assert all(claims == won for claims, won in claimed[first])

    def test_a_share_that_is_done_is_told_from_one_that_is_left_by_the_next_many(self, pair, claimed):
        for scheduler in pair:
            scheduler.turn()
        pair[0].clock.advance(seconds=0.05)
        pair[0].turn()
        assert pair[0]._engine.registry.store("default").help_at is None
