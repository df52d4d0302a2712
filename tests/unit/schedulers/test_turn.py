"""What a turn does with jobs that are due, driven by hand on a clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    EVENT_JOB_REMOVED,
    EVENT_JOB_SET_ASIDE,
    EVENT_JOB_SUBMITTED,
)
from apscheduler.executors.base import BaseExecutor
from apscheduler.testing.manual import ManualScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger

RAN: list[object] = []


def note(value: object = None) -> object:
    RAN.append(value)
    return value


def fail() -> None:
    raise ValueError("no such luck")


class Every(BaseTrigger):
    """Fires every so many seconds; a trigger of the user's own."""

    def __init__(self, seconds: float) -> None:
        self.step = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time, now):
        return (previous_fire_time or now) + self.step


class Held(BaseExecutor):
    """Keeps submissions until a test ends them."""

    def __init__(self) -> None:
        self.held = []

    def submit(self, submissions, report) -> None:
        self.held += [(submission, report) for submission in submissions]


@pytest.fixture(autouse=True)
def _clean() -> None:
    RAN.clear()


def test_a_job_runs_when_it_is_due_and_not_before(scheduler):
    scheduler.add_job(note, Every(10), args=["a"], id="j")
    scheduler.pass_time(9)
    assert RAN == []
    scheduler.pass_time(1)
    assert RAN == ["a"]


def test_the_turn_says_when_the_next_job_is_due(scheduler):
    scheduler.add_job(note, Every(10), id="j")
    assert scheduler.turn() == pytest.approx(10)


def test_a_sleep_is_never_longer_than_a_minute(scheduler):
    scheduler.add_job(note, Every(3600), id="j")
    assert scheduler.turn() == 60


def test_the_events_of_a_run_come_in_their_order(scheduler):
    scheduler.add_job(note, Every(10), id="j")
    scheduler.recorder.clear()
    scheduler.pass_time(10)
    assert scheduler.recorder.codes == [EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED]


def test_the_events_of_the_last_run_tell_that_the_job_is_removed(scheduler):
    scheduler.add_job(note, "date", run_date=scheduler.clock.now(), id="j")
    scheduler.recorder.clear()
    scheduler.turn()
    assert scheduler.recorder.codes == [EVENT_JOB_REMOVED, EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED]
    assert scheduler.get_jobs() == []


def test_a_run_leaves_a_record(scheduler):
    scheduler.add_job(note, Every(10), args=[{"rows": 3}], id="j")
    scheduler.clock.advance(seconds=10.5)
    scheduler.turn()
    [run] = scheduler.get_runs("j")
    assert (run.status, run.result, run.attempt, run.reason) == ("succeeded", {"rows": 3}, 1, None)
    assert run.lateness == timedelta(seconds=0.5)
    assert run.duration == timedelta(0)
    assert run.run_time == scheduler.clock.now() - timedelta(seconds=0.5)
    assert run.node


def test_a_failing_run_is_an_event_and_a_record_with_its_traceback(scheduler):
    scheduler.add_job(fail, Every(10), id="j")
    scheduler.recorder.clear()
    scheduler.pass_time(10)
    event = scheduler.recorder.events[-1]
    assert event.code == EVENT_JOB_ERROR
    assert isinstance(event.exception, ValueError)
    [run] = scheduler.get_runs("j", status="failed")
    assert run.error == "ValueError: no such luck"
    assert "in fail" in run.traceback
    assert "apscheduler" not in run.traceback.lower()


def test_a_job_started_after_its_grace_time_is_missed(scheduler):
    scheduler.add_job(note, "date", run_date=scheduler.clock.now(), misfire_grace_time=1, id="j")
    scheduler.recorder.clear()
    scheduler.clock.advance(seconds=5)
    scheduler.turn()
    assert scheduler.recorder.codes == [EVENT_JOB_REMOVED, EVENT_JOB_SUBMITTED, EVENT_JOB_MISSED]
    [run] = scheduler.get_runs("j")
    assert (run.status, run.started_at) == ("missed", None)
    assert "misfire_grace_time is 1" in run.reason
    assert RAN == []


def test_a_job_just_within_its_grace_time_runs(scheduler):
    scheduler.add_job(note, "date", run_date=scheduler.clock.now(), misfire_grace_time=1)
    scheduler.clock.advance(seconds=1)
    scheduler.turn()
    assert RAN == [None]


def test_without_a_grace_time_a_job_runs_however_late(scheduler):
    scheduler.add_job(note, "date", run_date=scheduler.clock.now(), misfire_grace_time=None)
    scheduler.clock.advance(days=400)
    scheduler.turn()
    assert RAN == [None]


def test_coalesced_run_times_run_once_and_are_all_recorded(scheduler):
    scheduler.add_job(note, Every(10), id="j", coalesce=True)
    scheduler.clock.advance(seconds=35)
    scheduler.turn()
    runs = scheduler.get_runs("j")
    assert [run.status for run in runs] == ["missed", "skipped", "skipped"]
    assert {run.reason for run in runs[1:]} == {"coalesced"}
    assert [scheduler.clock.now() - run.run_time for run in runs] == [
        timedelta(seconds=s) for s in (5, 15, 25)
    ]


def test_a_long_row_of_coalesced_run_times_is_recorded_with_a_count(scheduler):
    scheduler.add_job(note, Every(1), id="j", coalesce=True, misfire_grace_time=None)
    scheduler.clock.advance(seconds=500)
    scheduler.turn()
    runs = scheduler.get_runs("j", limit=None)
    assert RAN == [None]
    assert len(runs) == 101
    assert runs[-1].reason == "coalesced (and 399 run times before it)"


def test_without_coalescing_every_run_time_runs_in_one_instance(scheduler):
    scheduler.add_job(note, Every(10), id="j", coalesce=False, misfire_grace_time=None)
    scheduler.recorder.clear()
    scheduler.clock.advance(seconds=35)
    scheduler.turn()
    assert len(RAN) == 3
    assert scheduler.recorder.codes == [EVENT_JOB_SUBMITTED, *[EVENT_JOB_EXECUTED] * 3]
    assert len(scheduler.recorder.events[0].scheduled_run_times) == 3


def test_a_job_that_runs_as_often_as_it_may_is_skipped(scheduler):
    held = Held()
    scheduler.add_executor(held, "held")
    scheduler.add_job(note, Every(10), id="j", executor="held", max_instances=2)
    scheduler.pass_time(10, steps=2)
    scheduler.recorder.clear()
    scheduler.pass_time(10)
    assert scheduler.recorder.codes == [EVENT_JOB_MAX_INSTANCES]
    [skipped] = scheduler.get_runs("j", status="skipped")
    assert skipped.reason == "max_instances"
    assert [run.status for run in scheduler.get_runs("j")] == ["skipped", "running", "running"]


def test_a_job_runs_again_when_an_instance_has_ended(scheduler):
    from apscheduler.executors.base import Outcome

    held = Held()
    scheduler.add_executor(held, "held")
    scheduler.add_job(note, Every(10), id="j", executor="held")
    scheduler.pass_time(10)
    submission, report = held.held.pop()
    report(submission, Outcome(0, "succeeded", scheduler.clock.time(), scheduler.clock.time()))
    scheduler.pass_time(10)
    assert len(held.held) == 1


def test_a_paused_scheduler_runs_nothing_and_catches_up_when_it_is_resumed(scheduler):
    scheduler.add_job(note, Every(10), id="j", misfire_grace_time=None)
    scheduler.pause()
    scheduler.pass_time(10, steps=3)
    assert RAN == []
    scheduler.resume()
    scheduler.turn()
    assert RAN == [None]


def test_a_job_with_a_broken_trigger_is_set_aside_and_kept_while_others_run(scheduler):
    class Broken(Every):
        def get_next_fire_time(self, previous_fire_time, now):
            if previous_fire_time is not None:
                raise RuntimeError("the moon was not found")
            return super().get_next_fire_time(None, now)

    scheduler.add_job(note, Broken(10), args=["broken"], id="broken")
    scheduler.add_job(note, Every(10), args=["fine"], id="fine")
    scheduler.recorder.clear()
    scheduler.pass_time(10)
    assert RAN == ["fine"]
    [event] = [e for e in scheduler.recorder if e.code == EVENT_JOB_SET_ASIDE]
    assert event.job_id == "broken"
    assert "the moon was not found" in event.reason
    assert scheduler.get_job("broken") is not None
    [run] = scheduler.get_runs("broken")
    assert (run.status, run.reason) == ("set_aside", "RuntimeError: the moon was not found")


def test_a_job_is_reported_as_set_aside_once_and_tried_again_less_and_less_often(scheduler):
    tries = []

    class Broken(Every):
        def get_next_fire_time(self, previous_fire_time, now):
            if previous_fire_time is not None:
                tries.append(scheduler.clock.monotonic())
                raise RuntimeError("still broken")
            return super().get_next_fire_time(None, now)

    scheduler.add_job(note, Broken(10), id="j")
    scheduler.pass_time(10)
    for _ in range(600):
        scheduler.pass_time(1)
    gaps = [b - a for a, b in pairwise(tries)]
    assert gaps[:4] == [1, 2, 4, 8]
    assert max(gaps) <= 300
    assert scheduler.recorder.codes.count(EVENT_JOB_SET_ASIDE) == 1


def test_a_job_that_was_set_aside_runs_again_by_itself_when_it_is_mended(scheduler):
    broken = True

    class Broken(Every):
        def get_next_fire_time(self, previous_fire_time, now):
            if broken and previous_fire_time is not None:
                raise RuntimeError("broken")
            return super().get_next_fire_time(previous_fire_time, now)

    scheduler.add_job(note, Broken(10), id="j", misfire_grace_time=None)
    scheduler.pass_time(10)
    broken = False
    scheduler.pass_time(1)
    assert RAN == [None]
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded", "set_aside"]


def test_a_trigger_that_does_not_move_on_is_set_aside_instead_of_looping(scheduler):
    class Stuck(Every):
        def get_next_fire_time(self, previous_fire_time, now):
            return previous_fire_time or super().get_next_fire_time(None, now)

    scheduler.add_job(note, Stuck(10), id="j")
    scheduler.pass_time(10)
    [event] = [e for e in scheduler.recorder if e.code == EVENT_JOB_SET_ASIDE]
    assert "TriggerStuckError" in event.reason


def test_a_job_whose_executor_is_missing_is_set_aside_and_kept(scheduler):
    scheduler.add_job(note, Every(10), id="j", executor="nowhere")
    scheduler.pass_time(10)
    assert EVENT_JOB_SET_ASIDE in scheduler.recorder.codes
    assert scheduler.get_job("j") is not None
    scheduler.modify_job("j", executor="default", misfire_grace_time=None)
    scheduler.turn()
    assert RAN == [None]


def test_a_run_that_no_executor_takes_is_recorded_as_failed(scheduler):
    class Full(BaseExecutor):
        def submit(self, submissions, report) -> None:
            raise RuntimeError("no room")

    scheduler.add_executor(Full(), "full")
    scheduler.add_job(note, Every(10), id="j", executor="full")
    scheduler.pass_time(10)
    [run] = scheduler.get_runs("j")
    assert (run.status, run.error) == ("failed", "RuntimeError: no room")


def test_a_listener_that_raises_harms_nothing(scheduler, caplog):
    def bad(event):
        raise RuntimeError("listener")

    scheduler.add_listener(bad)
    scheduler.add_job(note, Every(10), id="j")
    scheduler.pass_time(10)
    assert RAN == [None]
    assert "listener" in caplog.text


def test_a_store_that_fails_is_tried_again_while_others_go_on(scheduler, caplog):
    from apscheduler.jobstores.memory import MemoryJobStore

    class Failing(MemoryJobStore):
        broken = True

        def read_due(self, now, limit):
            if self.broken:
                raise OSError("the disk is on fire")
            return super().read_due(now, limit)

    failing = Failing()
    scheduler.add_jobstore(failing, "failing")
    scheduler.add_job(note, Every(10), args=["failing"], jobstore="failing", misfire_grace_time=None)
    scheduler.add_job(note, Every(10), args=["fine"])
    scheduler.pass_time(1, steps=30)
    assert RAN == ["fine"] * 3
    assert caplog.text.count("does not answer") == 1
    failing.broken = False
    scheduler.pass_time(1, steps=15)
    assert "failing" in RAN
    assert caplog.text.count("answers again") == 1


def test_an_idle_turn_asks_the_store_nothing(scheduler):
    from apscheduler.jobstores.memory import MemoryJobStore

    calls = []

    class Counting(MemoryJobStore):
        def read_due(self, now, limit):
            calls.append(now)
            return super().read_due(now, limit)

    scheduler.add_jobstore(Counting(), "counting")
    scheduler.add_job(note, Every(3600), jobstore="counting")
    scheduler.turn()
    calls.clear()
    scheduler.pass_time(60, steps=30)
    assert calls == []


def test_more_jobs_than_a_batch_run_in_one_turn(scheduler):
    for number in range(1203):
        scheduler.add_job(note, Every(10), args=[number], id=str(number))
    scheduler.pass_time(10)
    assert sorted(RAN) == list(range(1203))


def test_jobs_run_in_the_order_of_their_run_times(scheduler):
    now = scheduler.clock.now()
    for number in (3, 1, 2):
        scheduler.add_job(
            note, DateTrigger(now + timedelta(milliseconds=number)), args=[number], misfire_grace_time=None
        )
    scheduler.pass_time(1)
    assert RAN == [1, 2, 3]


def test_a_job_that_is_removed_from_within_a_listener_does_not_run_again(scheduler):
    scheduler.add_listener(lambda event: scheduler.remove_job("j"), EVENT_JOB_EXECUTED)
    scheduler.add_job(note, Every(10), id="j")
    scheduler.pass_time(10, steps=3)
    assert RAN == [None]


def test_a_job_may_add_jobs(scheduler):
    scheduler.add_job(
        lambda: scheduler.add_job(note, "date", run_date=scheduler.clock.now(), args=["child"]),
        Every(10),
        id="j",
    )
    scheduler.pass_time(10)
    scheduler.turn()
    assert RAN == ["child"]


def test_without_a_run_log_nothing_is_kept_beyond_the_end_of_a_run():
    scheduler = ManualScheduler(run_log=False)
    scheduler.start()
    scheduler.add_job(note, Every(10), id="j", max_instances=1)
    scheduler.pass_time(35)
    assert RAN == []  # coalesced into one, which was missed
    assert scheduler.get_runs() == []
    scheduler.shutdown()


def test_the_run_log_is_pruned_by_number_and_age():
    scheduler = ManualScheduler(run_log={"per_job": 5, "max_age": timedelta(hours=1)})
    scheduler.start()
    scheduler.add_job(note, Every(10), id="j")
    scheduler.pass_time(10, steps=100)
    assert len(scheduler.get_runs("j", limit=None)) <= 5 + 6  # pruned once a minute, which is six runs
    scheduler.remove_job("j")
    scheduler.pass_time(3600, steps=2)
    assert scheduler.get_runs("j") == []
    scheduler.shutdown()


def test_times_are_compared_as_instants_where_the_clock_is_set_back():
    berlin_fold = datetime(
        2030, 10, 27, 0, 30, tzinfo=UTC
    )  # 02:30 summer time; at 01:00 UTC it is 02:00 again
    scheduler = ManualScheduler(timezone="Europe/Berlin")
    scheduler.clock._now = berlin_fold
    scheduler.start()
    scheduler.add_job(note, "interval", minutes=30, id="j")
    scheduler.pass_time(60, steps=120)
    runs = [run.run_time for run in scheduler.get_runs("j")]
    assert [b - a for a, b in zip(runs[::-1], runs[-2::-1], strict=False)] == [timedelta(minutes=30)] * 3
    scheduler.shutdown()


def test_a_clock_that_is_set_forward_is_noticed_and_the_misfire_policy_decides(scheduler, caplog):
    scheduler.add_job(note, Every(10), args=["strict"], id="strict", misfire_grace_time=1)
    scheduler.add_job(note, Every(10), args=["lax"], id="lax", misfire_grace_time=None)
    scheduler.clock.jump(hours=1, seconds=5)
    scheduler.turn()
    assert "jumped by +3605.0 seconds" in caplog.text
    assert RAN == ["lax"]
    assert scheduler.get_runs("strict", status="missed")


def test_a_clock_that_is_set_back_runs_nothing_twice(scheduler, caplog):
    scheduler.add_job(note, Every(10), id="j", misfire_grace_time=None)
    scheduler.pass_time(10, steps=3)
    scheduler.clock.jump(seconds=-25)
    scheduler.pass_time(10, steps=2)
    assert "jumped by -25.0 seconds" in caplog.text
    assert len(RAN) == 3
    scheduler.pass_time(10, steps=2)
    runs = [run.run_time for run in scheduler.get_runs("j", status="succeeded")]
    assert len(runs) == len(set(runs)) == 4
