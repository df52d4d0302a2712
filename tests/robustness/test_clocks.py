"""A wall clock that is set, and a machine that was suspended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from _fault_parts import RAN, note, statuses

HOUR = 3600.0


def every_minute(scheduler, **options):
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", **options)
    scheduler.pass_time(1, steps=60 * 3)
    assert RAN == ["a"] * 3


def pass_a_sleep(scheduler):
    """Let as much time pass as the scheduler wants to sleep, and make the turn that comes then."""
    scheduler.clock.advance(seconds=scheduler.turn())
    scheduler.turn()


@pytest.mark.parametrize(
    ("options", "ran", "became"),
    [
        ({"misfire_grace_time": None}, 1, {"succeeded", "skipped"}),
        ({"misfire_grace_time": 5}, 1, {"succeeded", "skipped"}),  # the newest of them is just due
        ({"misfire_grace_time": None, "coalesce": False}, 60, {"succeeded"}),
        ({"misfire_grace_time": 90, "coalesce": False}, 2, {"succeeded", "missed"}),
    ],
)
def test_run_times_that_a_clock_jumped_over_follow_the_misfire_policy(scheduler, clock, options, ran, became):
    every_minute(scheduler, **options)
    RAN.clear()
    clock.jump(hours=1)
    scheduler.turn()
    assert len(RAN) == ran
    assert set(statuses(scheduler)[3:]) == became
    assert len(statuses(scheduler)) == 63  # each run time has its record
    RAN.clear()
    scheduler.pass_time(1, steps=120)
    assert RAN == ["a", "a"]


def test_a_suspended_machine_is_as_a_clock_that_jumped_because_no_other_clock_ran_on(scheduler, clock):
    every_minute(scheduler, misfire_grace_time=5)
    RAN.clear()
    clock.jump(seconds=HOUR + 30)
    scheduler.turn()
    assert RAN == []  # the newest of them is half a minute late
    assert statuses(scheduler)[3:].count("missed") == 1
    scheduler.pass_time(1, steps=60)
    assert RAN == ["a"]


def test_a_jump_on_is_noticed_within_a_minute_though_nothing_wakes_the_scheduler(scheduler, clock):
    scheduler.add_job(note, "interval", hours=5, args=["a"], misfire_grace_time=None)
    assert scheduler.turn() <= 60
    clock.jump(hours=5)
    pass_a_sleep(scheduler)
    assert RAN == ["a"]


def test_a_clock_that_goes_back_runs_nothing_twice(scheduler, clock):
    every_minute(scheduler)
    before = scheduler.get_runs("j")
    clock.jump(minutes=-3)
    scheduler.pass_time(1, steps=180)
    assert RAN == ["a"] * 3
    scheduler.pass_time(1, steps=60)
    assert RAN == ["a"] * 4
    assert scheduler.get_runs("j")[1:] == before
    assert len({run.run_time for run in scheduler.get_runs("j")}) == 4


def test_a_clock_that_goes_back_and_on_again_runs_nothing_twice_and_skips_nothing(scheduler, clock):
    every_minute(scheduler)
    for _ in range(5):
        clock.jump(minutes=-30)
        scheduler.pass_time(1, steps=5)
        clock.jump(minutes=30)
        scheduler.pass_time(1, steps=55)
    runs = scheduler.get_runs("j", limit=None)
    assert len({run.run_time for run in runs}) == len(runs) == len(RAN) == 8
    assert runs[0].run_time - runs[-1].run_time == timedelta(minutes=7)


def test_a_store_is_tried_again_on_time_whatever_becomes_of_the_wall_clock(scheduler, store, clock):
    """The wait for a failing store, and the age of a heartbeat, are counted by a clock that nobody sets."""
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    store.before("read_due")
    scheduler.pass_time(60)
    clock.jump(hours=-2)
    scheduler.turn()
    clock.jump(hours=2)
    scheduler.pass_time(10)
    assert RAN == ["a"]
