"""What becomes of a job whose run time has come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from apscheduler._core.claims import RUNNING, SKIPPED, DueRow, NewRun
from apscheduler._core.decide import decide
from apscheduler._core.limits import Limits, has_room

START = datetime(2030, 1, 1, tzinfo=UTC)
STAMP = START.timestamp()
LIMITS = Limits("default", misfire_grace_time=1, coalesce=True, max_instances=1, on_crash="record")


class Every:
    def __init__(self, seconds, last=None):
        self.step, self.last = timedelta(seconds=seconds), last

    def get_next_fire_time(self, previous_fire_time, now):
        then = previous_fire_time + self.step
        return None if self.last is not None and then > self.last else then


def decided(live=0, elapsed=0.0, trigger=None, **limits):
    job = SimpleNamespace(trigger=trigger or Every(10), limits=LIMITS._replace(**limits))
    now = START + timedelta(seconds=elapsed)
    return decide(DueRow("j", STAMP, 7, b"definition", live), job, START, now, now.timestamp())


def test_a_run_is_claimed_by_the_revision_it_was_decided_on():
    decision = decided()
    claim = decision.claim
    assert (claim.job_id, claim.revision, claim.attempt, claim.definition) == ("j", 7, 1, None)
    assert claim.runs == [NewRun(STAMP, RUNNING, None)]
    assert (claim.then, claim.time) == (STAMP + 10, START + timedelta(seconds=10))
    assert (decision.times, decision.stamps, decision.skipped) == ((START,), (STAMP,), ())


@pytest.mark.parametrize(("on_crash", "kept"), [("record", None), ("rerun", b"definition")])
def test_a_run_that_is_to_be_repeated_after_a_crash_is_claimed_with_the_jobs_definition(on_crash, kept):
    assert decided(on_crash=on_crash).claim.rerun == kept


def test_the_last_run_finishes_the_job():
    assert decided(trigger=Every(10, last=START)).claim.then is None


def test_a_job_without_room_moves_on_and_its_run_is_recorded_as_skipped():
    decision = decided(live=1)
    assert decision.claim.runs == [NewRun(STAMP, SKIPPED, "max_instances")]
    assert decision.claim.then == STAMP + 10
    assert (decision.times, decision.skipped) == ((), (START,))


@pytest.mark.parametrize(
    ("live", "most", "room"), [(0, 1, True), (1, 1, False), (2, 3, True), (3, 3, False), (9, 3, False)]
)
def test_there_is_room_for_as_many_instances_as_the_job_allows(live, most, room):
    assert has_room(live, most) is room
    assert bool(decided(live=live, max_instances=most).times) is room


def test_coalesced_run_times_are_recorded_as_skipped_before_the_one_that_runs():
    decision = decided(elapsed=25)
    assert decision.claim.runs == [
        NewRun(STAMP, SKIPPED, "coalesced"),
        NewRun(STAMP + 10, SKIPPED, "coalesced"),
        NewRun(STAMP + 20),
    ]
    assert decision.times == (START + timedelta(seconds=20),)


def test_the_record_of_the_first_coalesced_run_time_counts_those_that_have_none():
    runs = decided(elapsed=2000).claim.runs
    assert runs[0].reason == "coalesced (and 100 run times before it)"
    assert {run.reason for run in runs[1:-1]} == {"coalesced"}
    assert len(runs) == 101


def test_without_coalescing_all_run_times_are_one_instance():
    decision = decided(elapsed=25, coalesce=False)
    assert [run.run_time for run in decision.claim.runs] == [STAMP, STAMP + 10, STAMP + 20]
    assert len(decision.times) == 3


def test_how_late_a_run_is_does_not_matter_here():
    assert decided(elapsed=9.99, misfire_grace_time=1).times == (START,)


def test_what_the_trigger_raises_goes_through():
    class Broken:
        def get_next_fire_time(self, previous_fire_time, now):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decided(trigger=Broken())
