"""A connection that is lost around a commit: before it, or after it but before the answer has come."""

from __future__ import annotations

from datetime import timedelta

import pytest
from _fault_parts import RAN, RETRY, Held, beat, note, outages, slot_of, statuses

from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_REMOVED, EVENT_JOB_SUBMITTED
from apscheduler.triggers.base import BaseTrigger

WHEN = ["before", "after"]


def lose(store, when: str, call: str, times: int = 1) -> None:
    getattr(store, when)(call, times=times)


@pytest.mark.parametrize("when", WHEN)
def test_a_claim_whose_commit_is_unclear_starts_its_run_once(scheduler, store, when, caplog):
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    lose(store, when, "claim")
    scheduler.pass_time(60)
    assert RAN == []
    scheduler.pass_time(RETRY)
    assert RAN == ["a"]
    assert statuses(scheduler) == ["succeeded"]
    scheduler.pass_time(RETRY, steps=5)
    assert RAN == ["a", "a"]
    assert statuses(scheduler) == ["succeeded"] * 2
    assert outages(caplog) == (1, 1)


@pytest.mark.parametrize("when", WHEN)
def test_a_claim_may_be_unclear_again_and_again(scheduler, store, when, caplog):
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    lose(store, when, "claim", times=4)
    scheduler.pass_time(60)
    scheduler.pass_time(RETRY, steps=3)
    assert RAN == []
    scheduler.pass_time(RETRY)
    assert RAN == ["a"]
    assert statuses(scheduler) == ["succeeded"]
    assert outages(caplog) == (1, 1)


@pytest.mark.parametrize("when", WHEN)
def test_the_last_run_of_a_job_is_not_lost_with_its_claims_answer(scheduler, store, when, clock):
    scheduler.add_job(note, "date", run_date=clock.now(), args=["once"], misfire_grace_time=None)
    scheduler.recorder.clear()
    lose(store, when, "claim")
    scheduler.turn()
    scheduler.pass_time(RETRY)
    assert RAN == ["once"]
    assert scheduler.recorder.codes == [EVENT_JOB_REMOVED, EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED]
    assert scheduler.get_jobs() == []
    assert statuses(scheduler) == ["succeeded"]


@pytest.mark.parametrize("when", WHEN)
def test_a_run_whose_claim_was_unclear_for_too_long_is_missed(scheduler, store, when):
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=5)
    lose(store, when, "claim")
    scheduler.pass_time(60)
    scheduler.pass_time(RETRY)
    assert RAN == []
    assert statuses(scheduler) == ["missed"]
    scheduler.pass_time(RETRY, steps=5)
    assert RAN == ["a"]


def test_run_times_of_an_outage_are_coalesced_where_the_claim_was_not_written(scheduler, store, clock):
    """What was decided before the outage is decided anew, because more has become due since."""
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    store.before("claim")
    scheduler.pass_time(60)
    store.go_down()
    scheduler.pass_time(RETRY, steps=30)
    store.come_back()
    scheduler.pass_time(RETRY)
    assert RAN == ["a"]
    assert statuses(scheduler) == ["skipped"] * 5 + ["succeeded"]


def test_run_times_of_an_outage_that_began_with_an_unclear_commit_are_all_recorded(scheduler, store):
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    store.after("claim")
    scheduler.pass_time(60)
    store.go_down()
    scheduler.pass_time(RETRY, steps=30)
    store.come_back()
    scheduler.pass_time(RETRY)
    assert RAN == ["a", "a"]  # the one that was claimed, and one for all that came after
    assert statuses(scheduler) == ["succeeded", *["skipped"] * 4, "succeeded"]


def test_of_many_claims_that_were_unclear_each_run_is_started_once(scheduler, store, clock):
    soon = clock.now() + timedelta(seconds=1)
    for number in range(700):  # more than a batch
        scheduler.add_job(note, "date", run_date=soon, args=[number], id=f"{number}", misfire_grace_time=None)
    scheduler.turn()
    store.after("claim")
    scheduler.pass_time(1)
    store.before("claim")
    scheduler.pass_time(RETRY, steps=3)
    assert sorted(RAN) == list(range(700))
    assert statuses(scheduler) == ["succeeded"] * 700


@pytest.mark.parametrize("open_store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seconds", [RETRY, 600])
def test_a_claim_that_the_server_writes_only_while_it_is_looked_for_starts_its_run_once(
    scheduler, store, clock, seconds
):
    """A server may go on with what it was told by a connection that is gone."""
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    store.before("claim")
    scheduler.pass_time(60)
    [plans] = slot_of(scheduler).unclear
    claims, node = [plan.decision.claim for plan in plans], scheduler._engine.node.id
    store.after("read_due", lambda: store.store.claim(node, claims))  # what was read does not show it
    scheduler.pass_time(seconds)
    due = 1 + (seconds >= 60)  # the one that was claimed, and one for all that came after
    assert RAN == ["a"] * due
    assert slot_of(scheduler).unclear == []
    assert set(statuses(scheduler)) <= {"succeeded", "skipped"}
    assert statuses(scheduler).count("succeeded") == due


@pytest.mark.parametrize("open_store", ["sqlite"], indirect=True)
def test_a_job_that_was_changed_while_its_claim_was_unclear_keeps_the_change(scheduler, store):
    scheduler.add_job(note, "interval", seconds=60, args=["old"], id="j", misfire_grace_time=None)
    store.after("claim")
    scheduler.pass_time(60)
    scheduler.modify_job("j", args=["new"])
    scheduler.pass_time(RETRY)
    assert RAN == ["old"]  # what was claimed is what was stored then
    scheduler.pass_time(RETRY, steps=5)
    assert RAN == ["old", "new"]


def test_a_job_that_was_removed_while_its_claim_was_unclear_ends_the_run_that_was_claimed(scheduler, store):
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    store.after("claim")
    scheduler.pass_time(60)
    scheduler.remove_job("j")
    scheduler.pass_time(RETRY, steps=20)
    assert RAN == ["a"]  # as where the removal comes a moment after the claim
    assert statuses(scheduler) == ["succeeded"]


def test_a_job_that_was_removed_while_its_claim_was_not_written_does_not_run(scheduler, store):
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    store.before("claim")
    scheduler.pass_time(60)
    scheduler.remove_job("j")
    scheduler.pass_time(RETRY, steps=20)
    assert RAN == []
    assert statuses(scheduler) == []


def test_a_run_that_was_taken_over_while_its_claim_was_unclear_is_not_started(open_store, start):
    """It is recorded as interrupted, and another node may have been told so."""
    store = open_store()
    first, second = start(store), start(open_store())
    first.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    store.after("claim")
    first.pass_time(60)
    second._engine.registry.store("default").store.take_over(first._engine.node.id, 1.0, "it looked dead")
    first.pass_time(RETRY)
    assert RAN == []
    assert statuses(first) == ["interrupted"]
    first.pass_time(RETRY, steps=5)
    assert RAN == ["a"]


def test_a_claim_that_another_node_won_during_the_outage_is_not_repeated(open_store, start):
    store = open_store()
    first, second = start(store), start(open_store())
    first.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    store.before("claim")
    first.pass_time(60)
    beat(second)
    second.turn()
    assert RAN == ["a"]
    first.pass_time(RETRY)
    assert RAN == ["a"]
    assert statuses(first) == ["succeeded"]


def test_a_scheduler_that_stops_while_a_claim_is_unclear_records_the_run_as_interrupted(start, open_store):
    store = open_store()
    scheduler = start(store)
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    store.after("claim")
    scheduler.pass_time(60)
    scheduler.shutdown()
    after = start(open_store())
    assert statuses(after) == ["interrupted"]
    after.pass_time(60)
    assert RAN == ["a"]


def test_what_another_store_has_to_do_goes_on_while_a_claim_is_unclear(scheduler, store):
    from apscheduler.jobstores.memory import MemoryJobStore

    scheduler.add_jobstore(MemoryJobStore(), "other")
    scheduler.add_job(note, "interval", seconds=5, args=["fine"], jobstore="other")
    scheduler.add_job(note, "interval", seconds=5, args=["late"], misfire_grace_time=None)
    store.after("claim")
    scheduler.pass_time(5)
    scheduler.pass_time(5)
    assert RAN == ["fine", "fine"]


class Countdown(BaseTrigger):
    """Fires so many times; keeps count in itself, as a user's trigger may."""

    def __init__(self, left: int) -> None:
        self.left = left

    def get_next_fire_time(self, previous_fire_time, now):
        if previous_fire_time is not None:
            self.left -= 1
        return (previous_fire_time or now) + timedelta(seconds=60) if self.left else None


@pytest.mark.parametrize("open_store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("when", WHEN)
def test_a_trigger_that_keeps_count_counts_a_firing_once_however_often_it_is_claimed(scheduler, store, when):
    scheduler.add_job(note, Countdown(4), args=["a"], id="j", misfire_grace_time=None)
    scheduler.pass_time(60)
    lose(store, when, "claim")
    scheduler.pass_time(60)
    scheduler.pass_time(RETRY, steps=60)
    assert RAN == ["a"] * 4
    assert statuses(scheduler) == ["succeeded"] * 4
    assert scheduler.get_jobs() == []


# -- outcomes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", WHEN)
def test_outcomes_wait_while_they_cannot_be_written_and_are_written_once(scheduler, store, when, caplog):
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j")
    lose(store, when, "finish")
    scheduler.pass_time(60)
    assert RAN == ["a"]
    [run] = scheduler.get_runs("j")
    assert run.status == "succeeded"  # to readers here, whether it is written or not
    scheduler.pass_time(RETRY)
    assert statuses(scheduler) == ["succeeded"]
    assert RAN == ["a"]
    assert outages(caplog) == (1, 1)


def test_outcomes_that_wait_are_written_when_the_scheduler_stops(scheduler, store, start, open_store):
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j")
    store.before("finish")
    scheduler.pass_time(60)
    assert statuses(scheduler) == ["running"]
    scheduler.shutdown()
    assert statuses(start(open_store())) == ["succeeded"]


def test_a_job_has_room_again_when_its_outcome_could_be_written_at_last(start, store):
    held = Held()
    scheduler = start(store, executors={"default": held})
    scheduler.add_job(note, "interval", seconds=60, id="j", misfire_grace_time=None)
    scheduler.pass_time(60)
    store.go_down()
    held.end_all()
    scheduler.turn()
    store.come_back()
    scheduler.pass_time(60)
    assert len(held.held) == 1
    assert statuses(scheduler) == ["succeeded", "running"]
