"""Runs that a crash cut off, of jobs that ask to be run again."""

from __future__ import annotations

import logging

import pytest
from _fault_parts import LONG, RAN, Held, beat, events_of, note, slot_of, statuses, watch

from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_INTERRUPTED, EVENT_JOB_SUBMITTED

DAY = 86_400


@pytest.fixture
def pair(start, open_store):
    """Two schedulers on one store; runs of the first are held by the executor "held"."""
    first, second = start(open_store()), start(open_store())
    first.add_executor(Held(), "held")
    second.add_executor(Held(), "held")
    beat(first)
    beat(second)
    return first, second


def held_by(scheduler):
    return scheduler._engine.registry.executors["held"]


def begin(scheduler, **options):
    """Have a job of the scheduler begin a run, which does not end."""
    options = {"executor": "held", "on_crash": "rerun", **options}
    scheduler.add_job(note, "interval", seconds=DAY, args=["a"], id="j", misfire_grace_time=1, **options)
    scheduler.clock.advance(seconds=DAY)
    scheduler.turn()


def freeze(frozen, alive):
    """Have `alive` take `frozen` for dead."""
    watch(alive)
    assert frozen._engine.node.id not in {node.id for node in alive.get_nodes()}


def attempts(scheduler, job_id="j"):
    return [(run.attempt, run.status) for run in reversed(scheduler.get_runs(job_id, limit=None))]


def test_a_run_that_was_cut_off_is_run_again_once_by_a_scheduler_that_lives(pair, caplog):
    first, second = pair
    begin(first)
    due = first.get_runs("j")[0].run_time
    freeze(first, second)
    second.turn()
    [(submission, _)] = held_by(second).held
    assert submission.run_times[0] == due
    assert (submission.attempt, submission.args) == (2, ("a",))
    assert attempts(second)[:2] == [(1, "interrupted"), (2, "running")]
    held_by(second).end_all()
    second.turn()
    assert attempts(second)[:2] == [(1, "interrupted"), (2, "succeeded")]
    codes = second.recorder.codes
    assert (
        codes.index(EVENT_JOB_INTERRUPTED)
        < codes.index(EVENT_JOB_SUBMITTED)
        < codes.index(EVENT_JOB_EXECUTED)
    )
    assert events_of(caplog.records, "job_repeated") == {"job_repeated": 1}
    beat(second)
    second.turn()
    assert attempts(second)[:2] == [(1, "interrupted"), (2, "succeeded")]


def test_a_repetition_is_not_missed_however_late_it_is(pair):
    first, second = pair
    begin(first)
    freeze(first, second)
    second.turn()
    [(submission, _)] = held_by(second).held
    assert submission.misfire_grace_time is None
    assert second.get_job("j").misfire_grace_time == 1


def test_the_last_run_of_a_job_is_run_again_though_the_job_is_gone(pair):
    first, second = pair
    first.add_job(note, "date", args=["once"], id="j", executor="held", on_crash="rerun")
    first.turn()
    assert second.get_job("j") is None
    freeze(first, second)
    second.turn()
    held_by(second).end_all()
    second.turn()
    assert attempts(second) == [(1, "interrupted"), (2, "succeeded")]


@pytest.mark.parametrize("options", [{}, {"on_crash": "record"}])
def test_a_job_that_does_not_ask_for_it_is_not_run_again(pair, options):
    first, second = pair
    begin(first, **{"on_crash": "record", **options})
    freeze(first, second)
    second.remove_job("j")
    second.turn()
    assert attempts(second) == [(1, "interrupted")]


def test_the_default_may_be_to_run_again(start, open_store):
    defaults = {"on_crash": "rerun", "misfire_grace_time": None}
    first, second = (start(open_store(), job_defaults=defaults) for _ in range(2))
    first.add_executor(Held(), "held")
    beat(second)
    first.add_job(note, "date", args=["b"], id="j", executor="held")
    first.turn()
    freeze(first, second)
    second.turn()  # the executor is not there: it is left alone
    assert attempts(second) == [(1, "interrupted")]
    second.add_executor(Held(), "held")
    beat(second)
    second.turn()
    assert attempts(second) == [(1, "interrupted"), (2, "running")]


def test_a_repetition_that_is_cut_off_too_is_left_as_it_is(start, open_store, pair):
    first, second = pair
    third = start(open_store())
    third.add_executor(Held(), "held")
    beat(third)
    begin(first)
    freeze(first, second)
    second.turn()
    second.remove_job("j")
    beat(third)
    watch(third)
    third.turn()
    assert attempts(third) == [(1, "interrupted"), (2, "interrupted")]


def test_a_paused_job_is_run_again_when_it_is_resumed(pair):
    first, second = pair
    begin(first)
    freeze(first, second)
    second.pause_job("j")
    second.turn()
    assert attempts(second) == [(1, "interrupted")]
    second.resume_job("j")
    beat(second)
    second.turn()
    assert (2, "running") in attempts(second)


def test_a_removed_job_is_not_run_again(pair):
    first, second = pair
    begin(first)
    second.remove_job("j")
    freeze(first, second)
    second.turn()
    assert attempts(second) == [(1, "interrupted")]


def test_there_must_be_room_for_a_repetition(pair):
    first, second = pair
    begin(first, max_instances=2)
    second.clock.advance(seconds=DAY)
    second.turn()  # a run of its own
    second.modify_job("j", max_instances=1)
    beat(second)
    freeze(first, second)
    second.turn()
    assert [submission.attempt for submission, _ in held_by(second).held] == [1]
    held_by(second).end_all()
    second.turn()
    beat(second)
    second.turn()
    assert [submission.attempt for submission, _ in held_by(second).held] == [2]


def test_of_two_schedulers_one_runs_it_again(start, open_store, pair):
    first, second = pair
    third = start(open_store())
    third.add_executor(Held(), "held")
    beat(third)
    begin(first)
    freeze(first, second)
    beat(third)
    slot_of(second).store.before("claim_reruns", third.turn)
    second.turn()
    again = [s for scheduler in (second, third) for s, _ in held_by(scheduler).held if s.attempt == 2]
    assert len(again) == 1
    assert statuses(second).count("interrupted") == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_repetition_whose_commit_is_unclear_is_started_once(pair, when):
    first, second = pair
    begin(first)
    freeze(first, second)
    getattr(slot_of(second).store, when)("claim_reruns")
    second.turn()
    assert not [s for s, _ in held_by(second).held if s.attempt == 2]
    second.pass_time(10)
    assert len([s for s, _ in held_by(second).held if s.attempt == 2]) == 1
    assert attempts(second)[:2] == [(1, "interrupted"), (2, "running")]


def test_a_scheduler_that_cannot_run_it_leaves_it_and_says_so_once(pair, caplog):
    first, second = pair
    begin(first)
    second.remove_executor("held")
    freeze(first, second)
    for _ in range(3):
        beat(second)
        second.turn()
    assert attempts(second)[:1] == [(1, "interrupted")]
    [record] = [r for r in caplog.records if getattr(r, "event", "") == "rerun_impossible"]
    assert record.levelno == logging.WARNING
    assert "held" in record.getMessage()


def test_a_run_that_its_own_scheduler_cuts_off_is_run_again_by_the_next(start, open_store):
    scheduler = start(open_store())
    scheduler.add_executor(Held(), "held")
    begin(scheduler)
    scheduler.shutdown(timeout=0)
    after = start(open_store())
    after.add_executor(Held(), "held")
    after.turn()
    beat(after)
    after.turn()
    if slot_of(
        after
    ).store.store.blocks:  # a memory store forgets its pending repetitions with nobody to wake for them
        assert (2, "running") in attempts(after)


# -- what comes late -------------------------------------------------------------------------------------------


def test_the_late_outcome_of_a_scheduler_that_was_taken_for_dead_is_recorded_as_late(pair, caplog):
    first, second = pair
    begin(first, on_crash="record")
    freeze(first, second)
    before = second.get_runs("j")
    first.clock.advance(seconds=1)
    held_by(first).end_all("failed")
    first.turn()
    late, *rest = [run for run in second.get_runs("j", limit=None) if run.reason and "late" in run.reason]
    assert rest == []
    assert (late.status, late.attempt, late.run_time) == ("failed", 1, before[0].run_time)
    assert late.reason.startswith(
        "late: it ended 0.0 s after its start, when it had been recorded as interrupted"
    )
    assert before[0] in second.get_runs("j", limit=None)
    beat(first)
    assert events_of(caplog.records, "fenced") == {"fenced": 1}


def test_a_scheduler_that_notices_with_its_heartbeat_that_it_was_taken_for_dead_says_so_and_records_late_ends(
    pair, caplog
):
    first, second = pair
    begin(first, on_crash="record")
    freeze(first, second)
    beat(first)
    [record] = [r for r in caplog.records if getattr(r, "event", "") == "fenced"]
    assert "1 runs in flight" in record.getMessage()
    first.clock.advance(seconds=1)
    held_by(first).end_all()
    first.turn()
    assert sorted(statuses(second)) == ["interrupted", "succeeded"]
    first.clock.advance(seconds=DAY)
    first.turn()
    beat(first)
    held_by(first).end_all()
    first.turn()
    assert sorted(statuses(second)) == ["interrupted", "succeeded", "succeeded"]


def test_one_that_stood_still_between_looking_who_is_there_and_its_heartbeat_records_late_ends(
    pair, monkeypatch
):
    first, second = pair
    begin(first, on_crash="record")
    store = slot_of(first).store
    heartbeat = store.heartbeat

    def stand_still(node):
        monkeypatch.undo()
        freeze(first, second)
        heartbeat(node)

    monkeypatch.setattr(store, "heartbeat", stand_still)
    beat(first)
    first.clock.advance(seconds=1)
    held_by(first).end_all()
    first.turn()
    assert sorted(statuses(second)) == ["interrupted", "succeeded"]


def test_an_outcome_in_time_has_one_record(pair):
    first, _ = pair
    begin(first)
    held_by(first).end_all()
    first.clock.advance(seconds=LONG)  # a gap without a heartbeat, in which nobody has taken over
    first.turn()
    assert attempts(first)[0] == (1, "succeeded")
    assert "late" not in str([run.reason for run in first.get_runs("j")])
    assert RAN == []
