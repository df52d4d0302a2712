"""The scheduler that is the program, and the loop that it shares with the background scheduler."""

from __future__ import annotations

import threading

import pytest
from _scheduler_parts import RAN, note, until

from apscheduler.errors import SchedulerAlreadyRunningError
from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_SCHEDULER_STARTED
from apscheduler.schedulers._loop_driver import TIMER_SLACK, Wakeup, loop, run_to_end
from apscheduler.schedulers._turn import Call
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.testing._jobs import Gate


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


@pytest.fixture
def scheduler():
    return BlockingScheduler(timezone="UTC")


@pytest.fixture
def started(scheduler):
    """The scheduler, started in another thread."""
    thread = threading.Thread(target=scheduler.start)
    thread.start()
    until(lambda: scheduler.running)
    yield scheduler
    if scheduler.running:
        scheduler.shutdown()
    thread.join(10)
    assert not thread.is_alive()


def test_start_returns_when_a_job_shuts_the_scheduler_down(scheduler):
    scheduler.add_job(scheduler.shutdown, id="end")
    scheduler.start()
    assert not scheduler.running
    until(lambda: scheduler.get_runs("end", status="succeeded"))


def test_start_returns_when_a_listener_in_the_loops_thread_shuts_the_scheduler_down(scheduler):
    scheduler.add_listener(lambda _: scheduler.shutdown(), EVENT_SCHEDULER_STARTED)
    scheduler.start()
    assert not scheduler.running


def test_start_returns_when_another_thread_shuts_the_scheduler_down(started):
    started.add_job(note, args=["x"])
    until(lambda: RAN == ["x"])


def test_jobs_run_in_threads_and_not_in_the_one_that_starts(scheduler):
    scheduler.add_job(lambda: (RAN.append(threading.get_ident()), scheduler.shutdown()))
    scheduler.start()
    assert RAN != [threading.get_ident()]


def test_a_scheduler_that_runs_is_not_started_from_another_thread(started):
    with pytest.raises(SchedulerAlreadyRunningError):
        started.start()


def test_start_may_be_paused(scheduler):
    thread = threading.Thread(target=scheduler.start, args=(True,))
    thread.start()
    until(lambda: scheduler.running)
    scheduler.add_job(note, misfire_grace_time=None)
    assert RAN == []
    scheduler.resume()
    until(lambda: RAN)
    scheduler.shutdown()
    thread.join()


def test_a_shutdown_waits_for_runs_in_flight(started):
    gate = Gate()
    started.add_job(gate.enter, id="j")
    gate.wait_entered()
    threading.Timer(0.05, gate.open).start()
    started.shutdown()
    assert [run.status for run in started.get_runs("j")] == ["succeeded"]


def test_a_scheduler_starts_again_after_a_shutdown(scheduler):
    for number in range(3):
        scheduler.add_job(note, args=[number])
        scheduler.add_listener(lambda _: scheduler.shutdown(), EVENT_JOB_EXECUTED)
        scheduler.start()
        scheduler._engine.listeners._set(())
        until(lambda: scheduler._engine.live == 0)
    assert RAN == [0, 1, 2]


def test_a_loop_sleeps_until_it_is_woken_and_makes_a_turn():
    event, turns = threading.Event(), []

    def turn():
        turns.append(1)
        if len(turns) < 3:
            threading.Timer(0.01, event.set).start()
        return 60.0

    loop(event, lambda: len(turns) < 3, turn)
    assert len(turns) == 3


def test_a_wake_up_that_comes_during_a_turn_is_not_lost():
    event, turns = threading.Event(), []

    def turn():
        turns.append(1)
        event.set()
        return 60.0

    loop(event, lambda: len(turns) < 3, turn)
    assert len(turns) == 3


def test_calls_of_a_turn_are_answered_or_their_errors_thrown_back():
    def steps():
        answer = yield Call(lambda: "answer", blocks=True)
        try:
            yield Call(lambda: 1 / 0, blocks=False)
        except ZeroDivisionError:
            answer += yield Call(lambda: "!", blocks=False)
        RAN.append(answer)
        return 7.0

    assert run_to_end(steps()) == 7.0
    assert RAN == ["answer!"]


def test_a_sleep_is_ended_by_a_wake_up_before_or_during_it():
    wakeup = Wakeup()
    assert not wakeup.is_set()
    assert wakeup.wait(0) is False
    wakeup.set()
    wakeup.set()
    assert wakeup.is_set()
    assert wakeup.wait(10) is True
    assert wakeup.wait(0.001) is False
    threading.Timer(0.01, wakeup.set).start()
    assert wakeup.wait() is True
    wakeup.set()
    wakeup.clear()
    wakeup.clear()
    assert wakeup.wait(-1) is False


def test_a_sleep_is_asked_for_without_what_the_system_adds_to_it():
    asked = []

    class Lock:
        def acquire(self, timeout=None):
            asked.append(timeout)
            return False

    wakeup = Wakeup()
    wakeup._lock = Lock()
    for seconds in (2.0, TIMER_SLACK, 0.0, -1.0, None, 1e12):
        wakeup.wait(seconds)
    assert asked == [2.0 - TIMER_SLACK, 0.0, 0.0, 0.0, None, threading.TIMEOUT_MAX]


def test_wake_ups_from_many_threads_at_once_are_one():
    wakeup = Wakeup()
    threads = [threading.Thread(target=lambda: [wakeup.set() for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    woken = 0
    while any(thread.is_alive() for thread in threads):
        woken += wakeup.wait(0.01)
    assert woken or wakeup.is_set()
    wakeup.clear()
    assert not wakeup.is_set()
