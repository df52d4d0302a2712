"""The scheduler in a thread of its own."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest
from _scheduler_parts import RAN, WaitingStore, fail, note, until

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_SUBMITTED,
    EVENT_SCHEDULER_SHUTDOWN,
)
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.testing._jobs import Gate


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


@pytest.fixture(params=["memory", "waiting"])
def scheduler(request):
    options = {"jobstores": {"default": WaitingStore()}} if request.param == "waiting" else {}
    scheduler = BackgroundScheduler(timezone="UTC", **options)
    scheduler.start()
    yield scheduler
    if scheduler.running:
        scheduler.shutdown()


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "APScheduler"]


def test_a_background_scheduler_is_a_blocking_one_for_isinstance_as_in_3x():
    assert issubclass(BackgroundScheduler, BlockingScheduler)


def test_jobs_run_when_they_are_due(scheduler):
    scheduler.add_job(note, args=["now"])
    scheduler.add_job(note, "interval", seconds=0.02, args=["again"])
    until(lambda: "now" in RAN and RAN.count("again") >= 3)


def test_a_job_starts_within_milliseconds_of_its_time(scheduler):
    late = []
    scheduler.add_listener(
        lambda e: late.append(time.time() - e.scheduled_run_time.timestamp()), EVENT_JOB_EXECUTED
    )
    scheduler.add_job(note, "interval", seconds=0.05)
    until(lambda: len(late) >= 5)
    assert min(late) >= 0
    assert sorted(late)[len(late) // 2] < 0.04


def test_the_thread_ends_with_the_shutdown():
    before = len(threads())
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start()
    assert len(threads()) == before + 1
    scheduler.shutdown()
    assert len(threads()) == before


def test_nothing_is_left_of_a_scheduler_that_was_shut_down():
    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": WaitingStore()})
    scheduler.start()
    scheduler.add_job(note)
    until(lambda: RAN)
    scheduler.shutdown()
    ref = weakref.ref(scheduler)
    del scheduler
    gc.collect()
    assert ref() is None


def test_a_scheduler_is_started_and_stopped_many_times():
    scheduler = BackgroundScheduler(timezone="UTC")
    for number in range(20):
        scheduler.start()
        scheduler.add_job(note, args=[number])
        until(lambda number=number: number in RAN)
        scheduler.shutdown()
    assert threads() == []


@pytest.mark.parametrize("wait", [True, False])
def test_a_shutdown_from_a_job_ends_the_thread(scheduler, wait):
    scheduler.add_job(lambda: scheduler.shutdown(wait=wait), id="j")
    until(lambda: not scheduler.running and not threads())
    until(lambda: [run.status for run in scheduler.get_runs("j")] == ["succeeded"])


@pytest.mark.parametrize("code", [EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED])
def test_a_shutdown_from_a_listener_ends_the_thread(scheduler, code):
    """Of a submission in the loop's thread, of an outcome in a worker's."""
    scheduler.add_listener(lambda _: scheduler.running and scheduler.shutdown(), code)
    scheduler.add_job(note, id="j")
    until(lambda: not scheduler.running and not threads())
    until(lambda: [run.status for run in scheduler.get_runs("j")] == ["succeeded"])


def test_a_scheduler_may_be_restarted_by_a_listener_in_its_own_thread(scheduler):
    """There is one loop afterwards, not two."""
    restarts = []

    def restart(_):
        if not restarts:
            restarts.append(1)
            scheduler.shutdown(wait=False)
            scheduler.start()

    scheduler.add_listener(restart, EVENT_JOB_SUBMITTED)
    scheduler.add_job(note)
    until(lambda: restarts and scheduler.running)
    until(lambda: len(threads()) == 1)
    scheduler.add_job(note, args=["after"])
    until(lambda: "after" in RAN)


def test_a_shutdown_without_waiting_lets_the_run_end_and_records_it(scheduler):
    gate = Gate()
    scheduler.add_job(gate.enter, id="j")
    gate.wait_entered()
    scheduler.shutdown(wait=False)
    assert [run.status for run in scheduler.get_runs("j")] == ["running"]
    gate.open()
    until(lambda: [run.status for run in scheduler.get_runs("j")] == ["succeeded"])


def test_a_shutdown_with_a_timeout_does_not_wait_longer(scheduler):
    gate = Gate()
    scheduler.add_job(gate.enter, id="j")
    gate.wait_entered()
    started = time.monotonic()
    scheduler.shutdown(timeout=0.05)
    assert time.monotonic() - started < 5
    assert [run.status for run in scheduler.get_runs("j")] == ["interrupted"]
    gate.open()


def test_events_come_in_the_order_submitted_then_executed(scheduler):
    seen = []
    scheduler.add_listener(
        lambda e: seen.append((e.job_id, e.code)), EVENT_JOB_SUBMITTED | EVENT_JOB_EXECUTED
    )
    for number in range(50):
        scheduler.add_job(note, id=str(number))
    until(lambda: len(seen) == 100)
    for number in range(50):
        assert [code for job_id, code in seen if job_id == str(number)] == [
            EVENT_JOB_SUBMITTED,
            EVENT_JOB_EXECUTED,
        ]


def test_jobs_that_raise_do_not_disturb_the_others(scheduler):
    codes = []
    scheduler.add_listener(lambda e: codes.append(e.code), EVENT_JOB_ERROR)
    for _ in range(20):
        scheduler.add_job(fail)
    scheduler.add_job(note, args=["fine"])
    until(lambda: len(codes) == 20 and RAN == ["fine"])


def test_everything_may_be_called_from_many_threads_at_once(scheduler):
    errors = []

    def use(name):
        try:
            for number in range(30):
                job = scheduler.add_job(
                    note, "interval", seconds=0.01, id=f"{name}{number}", misfire_grace_time=None
                )
                job.modify(name="other")
                scheduler.pause_job(job.id)
                scheduler.get_jobs()
                scheduler.resume_job(job.id)
                scheduler.get_runs(job.id)
                scheduler.reschedule_job(job.id, trigger="interval", seconds=0.02)
                scheduler.remove_job(job.id)
        except BaseException as exc:
            errors.append(exc)
            raise

    users = [threading.Thread(target=use, args=(name,)) for name in "abcd"]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert errors == []
    assert scheduler.get_jobs() == []
    until(lambda: scheduler.get_runs(status="running") == [])


def test_the_shutdown_is_told_when_everything_has_ended(scheduler):
    states = []
    scheduler.add_listener(lambda _: states.append(len(RAN)), EVENT_SCHEDULER_SHUTDOWN)
    gate = Gate()
    scheduler.add_job(lambda: (gate.enter(), note()))
    gate.wait_entered()
    threading.Timer(0.05, gate.open).start()
    scheduler.shutdown()
    assert states == [1]


def test_a_shutdown_is_done_by_its_caller_also_where_a_turn_ends_meanwhile() -> None:
    class Meanwhile(BackgroundScheduler):
        """Whose turn ends just after a shutdown was asked for."""

        def _end_by(self, ending):
            turn = threading.Thread(target=self._end_if_asked)
            turn.start()
            turn.join()
            super()._end_by(ending)

    told: list[int] = []
    scheduler = Meanwhile(timezone="UTC")
    scheduler.add_listener(lambda _: told.append(threading.get_ident()), EVENT_SCHEDULER_SHUTDOWN)
    scheduler.start()
    scheduler.shutdown()
    assert told == [threading.get_ident()]
