"""Listeners: who is told what, in which order, and that none of them can do harm."""

from __future__ import annotations

import threading

import pytest
from _scheduler_parts import RAN, Every, fail, note

from apscheduler import events
from apscheduler.events import (
    EVENT_ALL,
    EVENT_JOB_ADDED,
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_REMOVED,
    EVENT_JOB_SET_ASIDE,
    EVENT_JOB_SUBMITTED,
    EVENT_SCHEDULER_STARTED,
    JobEvent,
    JobExecutionEvent,
    JobSubmissionEvent,
    SchedulerEvent,
)
from apscheduler.testing.manual import ManualScheduler


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


def test_a_listener_is_told_of_the_events_in_its_mask(scheduler):
    seen = []
    scheduler.add_listener(lambda event: seen.append(event.code), EVENT_JOB_ADDED | EVENT_JOB_REMOVED)
    scheduler.add_job(note, Every(5), id="j")
    scheduler.pass_time(5)
    scheduler.remove_job("j")
    assert seen == [EVENT_JOB_ADDED, EVENT_JOB_REMOVED]


def test_a_listener_without_a_mask_is_told_of_all_events_of_3x(scheduler):
    seen = []
    scheduler.add_listener(seen.append)
    scheduler.add_job(note, Every(5), id="j")
    scheduler.pass_time(5)
    scheduler.add_job(note, Every(5), id="k", executor="nowhere")
    scheduler.pass_time(5)
    codes = {event.code for event in seen}
    assert codes == {EVENT_JOB_ADDED, EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED}
    assert EVENT_JOB_SET_ASIDE in scheduler.recorder.codes


def test_listeners_are_told_in_the_order_they_were_added(scheduler):
    order = []
    for name in "abc":
        scheduler.add_listener(lambda _, name=name: order.append(name), EVENT_JOB_ADDED)
    scheduler.add_job(note, Every(5))
    assert order == ["a", "b", "c"]


def test_a_removed_listener_is_not_told(scheduler):
    seen = []
    scheduler.add_listener(seen.append, EVENT_JOB_ADDED)
    scheduler.remove_listener(seen.append)
    scheduler.add_job(note, Every(5))
    assert seen == []
    scheduler.remove_listener(print)  # was never added


def test_a_listener_added_twice_is_told_twice_and_removed_once(scheduler):
    seen = []

    def listener(event):
        seen.append(event)

    scheduler.add_listener(listener, EVENT_JOB_ADDED)
    scheduler.add_listener(listener, EVENT_JOB_ADDED)
    scheduler.add_job(note, Every(5))
    assert len(seen) == 2
    scheduler.remove_listener(listener)
    scheduler.add_job(note, Every(5))
    assert len(seen) == 3


@pytest.mark.parametrize("arguments", [(5,), (None,), (print, "all"), (print, None)])
def test_what_is_no_listener_or_no_mask_is_refused(scheduler, arguments):
    with pytest.raises(TypeError):
        scheduler.add_listener(*arguments)


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_whatever_a_listener_raises_the_others_are_told_and_jobs_run(scheduler, caplog, error):
    seen = []

    def bad(event):
        raise error("no")

    scheduler.add_listener(bad)
    scheduler.add_listener(seen.append, EVENT_JOB_EXECUTED)
    scheduler.add_job(note, Every(5))
    scheduler.pass_time(5)
    assert RAN == [None]
    assert len(seen) == 1
    assert "bad" in caplog.text


def test_a_listener_may_use_the_scheduler(scheduler):
    def react(event):
        if event.job_id == "first":
            scheduler.add_job(note, Every(5), id="second", replace_existing=True)
            scheduler.pause_job("first")
            scheduler.add_listener(print, 0)
            scheduler.remove_listener(print)
            RAN.append(len(scheduler.get_jobs()))

    scheduler.add_listener(react, EVENT_JOB_EXECUTED)
    scheduler.add_job(note, Every(5), id="first")
    scheduler.pass_time(5)
    assert RAN == [None, 2]


def test_a_listener_that_waits_for_another_thread_blocks_nobody():
    """No lock of the scheduler is held while a listener is called."""
    scheduler = ManualScheduler()

    def react(event):
        thread = threading.Thread(target=scheduler.get_jobs)
        thread.start()
        thread.join(5)
        RAN.append(thread.is_alive())

    scheduler.add_listener(
        react, events.EVENT_JOB_ADDED | EVENT_SCHEDULER_STARTED | events.EVENT_SCHEDULER_SHUTDOWN
    )
    scheduler.start()
    scheduler.add_job(note, Every(5))
    scheduler.shutdown()
    assert RAN == [False] * 3


def test_nothing_is_made_that_nobody_listens_for():
    scheduler = ManualScheduler()
    scheduler.remove_listener(scheduler.recorder)
    scheduler.start()
    scheduler.add_job(note, Every(5), id="j")
    scheduler.pass_time(5)
    assert RAN == [None]
    assert scheduler._engine.listeners.mask == 0
    scheduler.shutdown()


def test_the_event_of_a_success_carries_the_return_value_and_the_run_time(scheduler):
    scheduler.add_job(note, Every(5), id="j", args=["result"])
    scheduler.recorder.clear()
    scheduler.clock.advance(seconds=5.5)
    scheduler.turn()
    submitted, executed = scheduler.recorder
    assert type(submitted) is JobSubmissionEvent
    assert (submitted.job_id, submitted.jobstore, submitted.alias) == ("j", "default", None)
    [run_time] = submitted.scheduled_run_times
    assert type(executed) is JobExecutionEvent
    assert (executed.retval, executed.exception, executed.traceback) == ("result", None, None)
    assert executed.scheduled_run_time == run_time


def test_the_event_of_a_failure_carries_the_exception_and_the_text_of_its_traceback(scheduler):
    scheduler.add_job(fail, Every(5), id="j")
    scheduler.pass_time(5)
    event = scheduler.recorder.events[-1]
    assert event.code == EVENT_JOB_ERROR
    assert str(event.exception) == "no such luck"
    assert event.traceback.startswith("Traceback (most recent call last)")
    assert "in fail" in event.traceback
    assert event.retval is None


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (SchedulerEvent(1), "<SchedulerEvent (code=1)>"),
        (JobEvent(512, "j", "default"), "<JobEvent (code=512)>"),
        (JobSubmissionEvent(32768, "j", "default", []), "<JobSubmissionEvent (code=32768)>"),
    ],
)
def test_events_look_as_in_3x(event, text):
    assert repr(event) == text


def test_a_mask_of_all_events_has_the_value_of_3x():
    assert EVENT_ALL == 131071


def test_listeners_come_and_go_from_many_threads_while_events_are_told(scheduler):
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            scheduler.add_listener(print, 0)
            scheduler.remove_listener(print)

    threads = [threading.Thread(target=churn) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        scheduler.add_job(note, Every(5))
    stop.set()
    for thread in threads:
        thread.join()
    assert scheduler.recorder.codes == [EVENT_JOB_ADDED] * 200
    assert len(scheduler._engine.listeners._listeners) == 1
