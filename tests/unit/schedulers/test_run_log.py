"""The run log: every run time leaves a record, and `get_runs()` finds it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from _scheduler_parts import RAN, Every, Held, WaitingStore, fail, note

from apscheduler.testing.manual import ManualScheduler


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


@pytest.fixture(params=["memory", "waiting"])
def scheduler(request):
    """On a store that is written at once, and on one that is written by the next turn."""
    store = {"jobstores": {"default": WaitingStore()}} if request.param == "waiting" else {}
    scheduler = ManualScheduler(**store)
    scheduler.start()
    scheduler.turn()
    yield scheduler
    if scheduler.running:
        scheduler.shutdown(timeout=0)


@pytest.fixture
def held(scheduler):
    held = Held()
    scheduler.add_executor(held, "held")
    return held


def test_the_newest_run_time_comes_first_over_all_jobs(scheduler):
    scheduler.add_job(note, Every(10), id="ten")
    scheduler.add_job(note, Every(15), id="fifteen")
    scheduler.pass_time(5, steps=6)
    assert [run.job_id for run in scheduler.get_runs()] in (
        ["ten", "fifteen", "ten", "fifteen", "ten"],
        ["fifteen", "ten", "ten", "fifteen", "ten"],
    )
    times = [run.run_time for run in scheduler.get_runs()]
    assert times == sorted(times, reverse=True)


def test_runs_are_found_by_job_status_and_time(scheduler):
    start = scheduler.clock.now()
    scheduler.add_job(note, Every(10), id="good")
    scheduler.add_job(fail, Every(10), id="bad")
    scheduler.pass_time(10, steps=4)
    assert len(scheduler.get_runs("good")) == 4
    assert {run.job_id for run in scheduler.get_runs(status="failed")} == {"bad"}
    assert len(scheduler.get_runs(status=["failed", "succeeded"])) == 8
    assert scheduler.get_runs(status=[]) == []
    since = start + timedelta(seconds=20)
    assert [run.run_time for run in scheduler.get_runs("good", since=since)] == [
        start + timedelta(seconds=s) for s in (40, 30, 20)
    ]
    assert [run.run_time for run in scheduler.get_runs("good", until=since)] == [
        start + timedelta(seconds=10)
    ]
    assert len(scheduler.get_runs("good", since="2030-01-01 00:00:30")) == 2
    assert len(scheduler.get_runs(limit=3)) == 3
    assert len(scheduler.get_runs(limit=None)) == 8


def test_a_status_that_does_not_exist_is_refused(scheduler):
    with pytest.raises(ValueError, match="no run status 'done'; known are running, succeeded"):
        scheduler.get_runs(status="done")


def test_a_hundred_runs_are_returned_where_no_limit_is_given(scheduler):
    scheduler.add_job(note, Every(1), id="j")
    scheduler.pass_time(1, steps=120)
    assert len(scheduler.get_runs()) == 100


def test_runs_of_several_stores_are_put_in_one_order(scheduler):
    scheduler.add_jobstore("memory", "other")
    scheduler.add_job(note, Every(10), id="a")
    scheduler.add_job(note, Every(15), id="b", jobstore="other")
    scheduler.pass_time(5, steps=4)
    assert [run.job_id for run in scheduler.get_runs()] == ["a", "b", "a"]
    assert [run.job_id for run in scheduler.get_runs(jobstore="other")] == ["b"]
    assert [run.job_id for run in scheduler.get_runs(limit=1)] == ["a"]


def test_a_run_in_flight_is_running_and_has_an_outcome_as_soon_as_it_is_reported(scheduler, held):
    scheduler.add_job(note, Every(10), id="j", executor="held")
    scheduler.pass_time(10)
    [run] = scheduler.get_runs("j")
    assert (run.status, run.started_at, run.finished_at, run.duration, run.lateness) == (
        "running",
        None,
        None,
        None,
        None,
    )
    scheduler.clock.advance(seconds=3)
    held.end_all()
    [run] = scheduler.get_runs("j")  # no turn since
    assert (run.status, run.finished_at) == ("succeeded", scheduler.clock.now())
    assert scheduler.get_runs("j", status="running") == []
    scheduler.turn()
    assert scheduler.get_runs("j") == [run]


def test_a_run_tells_its_times_as_aware_datetimes_in_utc(scheduler):
    scheduler.add_job(note, Every(10), id="j")
    scheduler.clock.advance(seconds=10.25)
    scheduler.turn()
    [run] = scheduler.get_runs("j")
    assert run.run_time == datetime(2030, 1, 1, 0, 0, 10, tzinfo=UTC)
    assert run.run_time.tzinfo is run.started_at.tzinfo is run.finished_at.tzinfo is UTC
    assert run.lateness == timedelta(seconds=0.25)
    assert run.node == scheduler.get_nodes()[0].id


def test_the_return_value_is_kept_where_it_is_small_and_plain(scheduler):
    values = [1, "text", [1, {"a": (2, 3)}], datetime(2020, 1, 1, tzinfo=UTC), None, object(), "x" * 5000]
    for number, value in enumerate(values):
        scheduler.add_job(note, Every(10), id=str(number), args=[value])
    scheduler.pass_time(10)
    results = {int(run.job_id): run.result for run in scheduler.get_runs()}
    assert [results[number] for number in range(len(values))] == [*values[:5], None, None]


def test_without_a_run_log_runs_are_known_only_while_they_are_in_flight():
    scheduler = ManualScheduler(run_log=False)
    held = Held()
    scheduler.add_executor(held, "held")
    scheduler.start()
    scheduler.add_job(note, Every(10), id="j", executor="held")
    scheduler.pass_time(10)
    assert [run.status for run in scheduler.get_runs()] == ["running"]
    scheduler.pass_time(10)
    assert len(held.held) == 1  # max_instances counts all the same
    held.end_all()
    scheduler.turn()
    assert scheduler.get_runs() == []
    scheduler.shutdown()


def test_a_job_that_is_set_aside_has_a_record_that_says_why(scheduler):
    scheduler.add_job(note, Every(10), id="j", executor="nowhere")
    scheduler.pass_time(10)
    scheduler.pass_time(1, steps=5)
    [run] = scheduler.get_runs("j")
    assert (run.status, run.started_at) == ("set_aside", None)
    assert "No such executor: nowhere" in run.reason


def test_a_job_that_is_back_runs_the_run_time_for_which_it_was_set_aside(scheduler):
    scheduler.add_job(note, Every(10), id="j", executor="late", misfire_grace_time=None)
    scheduler.pass_time(10)
    scheduler.add_executor("debug", "late")
    scheduler.pass_time(1, steps=3)
    assert RAN == [None]
    assert sorted(run.status for run in scheduler.get_runs("j")) == ["set_aside", "succeeded"]


def test_the_records_of_a_scheduler_that_has_been_restarted_are_still_there():
    store = WaitingStore()
    scheduler = ManualScheduler(jobstores={"default": store})
    scheduler.start()
    scheduler.add_job(note, Every(10), id="j")
    scheduler.pass_time(10)
    scheduler.shutdown()
    scheduler.start()
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded"]
    scheduler.shutdown()


def test_outcomes_wait_while_the_store_is_down_and_are_written_when_it_is_back():
    class Flaky(WaitingStore):
        down = False

        def finish(self, outcomes, keep=True):
            if self.down:
                raise OSError("down")
            super().finish(outcomes, keep)

    store, held = Flaky(), Held()
    scheduler = ManualScheduler(
        jobstores={"default": store}, executors={"default": held}, jobstore_retry_interval=5
    )
    scheduler.start()
    scheduler.add_job(note, Every(10), id="j")
    scheduler.pass_time(10)
    store.down = True
    held.end_all()
    scheduler.turn()
    assert store.read_runs.__self__._log.live().get("j", 0) == 1
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded"]
    store.down = False
    scheduler.pass_time(5)
    assert store._log.live().get("j", 0) == 0
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded"]
    scheduler.shutdown()
