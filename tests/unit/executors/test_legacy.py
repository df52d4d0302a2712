"""Executors written for 3.x: those that override `_do_submit_job()`, and subclasses of ours that hook into methods."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor as Pool
from datetime import timedelta

import pytest

from apscheduler._core.claims import FAILED, INTERRUPTED, MISSED, SKIPPED, SUCCEEDED
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.executors.base import (
    BaseExecutor,
    MaxInstancesReachedError,
    run_coroutine_job,
    run_job,
)
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.testing._jobs import SpeechlessError, aecho, araise_it, echo, nothing, raise_it
from apscheduler.testing.executor import Bench, ExecutorContract, LoopThread


class OldExecutor(BaseExecutor):
    """Written as the documentation of 3.x shows it."""

    def __init__(self):
        super().__init__()
        self.pool = Pool(3, "old")

    def _do_submit_job(self, job, run_times):
        def callback(future):
            exc = future.exception()
            if exc:
                self._run_job_error(job.id, exc, exc.__traceback__)
            else:
                self._run_job_success(job.id, future.result())

        future = self.pool.submit(run_job, job, job._jobstore_alias, run_times, self._logger.name)
        future.add_done_callback(callback)

    def shutdown(self, wait=True):
        wait = wait and not threading.current_thread().name.startswith("old")
        self.pool.shutdown(wait)


class TestOldExecutor(ExecutorContract):
    uses_clock = False
    runs_coroutines = False

    def make_executor(self):
        return OldExecutor()


class Manual(BaseExecutor):
    """Reports what the test says, when it says so."""

    def __init__(self):
        super().__init__()
        self.handed = []

    def _do_submit_job(self, job, run_times):
        self.handed.append((job, run_times))

    def run(self, place):
        job, run_times = self.handed[place]
        self._run_job_success(job.id, run_job(job, "default", run_times, self._logger.name))


@pytest.fixture
def bench():
    return Bench(Manual())


def test_two_submissions_of_one_job_are_told_apart_by_their_run_times(bench):
    first = bench.submission(echo, "first", late=[20, 10])
    second = bench.submission(echo, "second", late=[5])
    bench.submit(first, second)
    bench.executor.run(1)
    assert [submission for submission, _ in bench.reports] == [second]
    bench.executor.run(0)
    assert bench.each_once(first, second)
    assert [outcome.retval[0] for outcome in bench.outcomes(first)] == [("first",), ("first",)]


def test_an_error_is_that_of_the_oldest_submission(bench):
    submissions = [bench.submission(nothing, late=[late]) for late in (20, 10)]
    bench.submit(*submissions)
    bench.executor._run_job_error("job", ValueError("no worker"))
    ((submission, outcome),) = bench.reports
    assert submission is submissions[0]
    assert (outcome.status, outcome.error) == (FAILED, "ValueError: no worker")


def test_a_job_at_its_limit_is_skipped(bench):
    class Limited(Manual):
        def _do_submit_job(self, job, run_times):
            if self.handed:
                raise MaxInstancesReachedError(job)
            super()._do_submit_job(job, run_times)

    bench = Bench(Limited())
    first, second = bench.submission(nothing, late=[2]), bench.submission(nothing, late=[1, 0])
    bench.submit(first, second)
    assert [(outcome.status, outcome.reason) for outcome in bench.outcomes(second)] == [
        (SKIPPED, "max_instances")
    ] * 2
    bench.executor.run(0)
    assert bench.each_once(first, second)


def test_what_the_executor_raises_fails_that_submission_only():
    class Choosy(Manual):
        def _do_submit_job(self, job, run_times):
            if job.id == "bad":
                raise OSError("no room")
            super()._do_submit_job(job, run_times)

    bench = Bench(Choosy())
    good, bad = bench.submission(nothing), bench.submission(nothing, id="bad")
    bench.submit(bad, good)
    bench.executor.run(0)
    assert bench.outcomes(bad)[0].error == "OSError: no room"
    assert bench.outcomes(good)[0].status == SUCCEEDED


def test_an_executor_that_reports_and_then_raises_is_heard_once():
    class Both(Manual):
        def _do_submit_job(self, job, run_times):
            super()._do_submit_job(job, run_times)
            self.run(-1)
            raise OSError("after all")

    bench = Bench(Both())
    submission = bench.submission(nothing)
    bench.submit(submission)
    assert bench.each_once(submission)
    assert bench.reports[0][1].status == SUCCEEDED


def test_a_run_time_without_an_event_is_interrupted(bench):
    submission = bench.submission(nothing, late=[1, 0])
    bench.submit(submission)
    job, run_times = bench.executor.handed[0]
    bench.executor._run_job_success("job", run_job(job, "default", run_times[:1], "test"))
    assert [outcome.status for outcome in bench.outcomes(submission)] == [SUCCEEDED, INTERRUPTED]


def test_what_nobody_waits_for_is_ignored(bench):
    bench.executor._run_job_success("unknown", [])
    bench.executor._run_job_error("unknown", ValueError())
    assert bench.reports == []


def test_an_executor_that_overrides_nothing_says_so():
    bench = Bench(BaseExecutor())
    assert "must override submit() or _do_submit_job()" in bench.run(nothing).error


# -- the helpers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("func", "args", "code"),
    [
        (echo, (1,), EVENT_JOB_EXECUTED),
        (raise_it, (SystemExit,), EVENT_JOB_ERROR),
        (raise_it, (SpeechlessError,), EVENT_JOB_ERROR),
    ],
)
def test_run_job_returns_an_event_for_each_run_time(bench, func, args, code):
    submission = bench.submission(func, *args, late=[1, 0])
    events = run_job(submission.job, "store", submission.run_times, "test")
    assert [event.code for event in events] == [code, code]
    assert [event.scheduled_run_time for event in events] == submission.run_times
    assert {(event.job_id, event.jobstore) for event in events} == {("job", "store")}


def test_run_job_judges_how_late_it_is(bench):
    submission = bench.submission(nothing, late=[60, 0], grace=30)
    events = run_job(submission.job, "store", submission.run_times, "test")
    assert [event.code for event in events] == [EVENT_JOB_MISSED, EVENT_JOB_EXECUTED]


@pytest.mark.parametrize("exc", [ValueError, SystemExit, asyncio.CancelledError])
def test_run_coroutine_job_takes_whatever_a_coroutine_raises(bench, exc):
    """As 3.x does, also with a cancellation."""
    submission = bench.submission(araise_it, exc)
    (event,) = asyncio.run(run_coroutine_job(submission.job, "store", submission.run_times, "test"))
    assert (event.code, type(event.exception)) == (EVENT_JOB_ERROR, exc)


def test_run_coroutine_job_awaits(bench):
    submission = bench.submission(aecho, 1)
    (event,) = asyncio.run(run_coroutine_job(submission.job, "store", submission.run_times, "test"))
    assert (event.code, event.retval) == (EVENT_JOB_EXECUTED, ((1,), {}))


# -- subclasses of our executors ------------------------------------------------------------------------------------


class Watching:
    """What programs for 3.x put around the executor that they use."""

    def __init__(self, *args):
        super().__init__(*args)
        self.seen = []

    def _do_submit_job(self, job, run_times):
        self.seen.append(("submit", job.id, len(run_times)))
        super()._do_submit_job(job, run_times)

    def _run_job_success(self, job_id, events):
        self.seen.append(("success", job_id, [event.code for event in events]))
        super()._run_job_success(job_id, events)


class WatchingThreads(Watching, ThreadPoolExecutor):
    pass


class WatchingProcesses(Watching, ProcessPoolExecutor):
    pass


class WatchingDebug(Watching, DebugExecutor):
    pass


class WatchingLoop(Watching, AsyncIOExecutor):
    pass


@pytest.mark.parametrize("make", [lambda: WatchingThreads(2), lambda: WatchingProcesses(1), WatchingDebug])
def test_a_subclass_that_hooks_into_methods_of_3x_is_called_by_them(make):
    check_watching(Bench(make()))


def test_a_subclass_of_the_asyncio_executor_is_called_too():
    loop = LoopThread()
    check_watching(Bench(WatchingLoop(), loop=loop.loop))
    loop.stop()


def check_watching(bench):
    good = bench.submission(echo, 1, late=[1, 0])
    bad = bench.submission(raise_it, ValueError, "failed", id="bad")
    late = bench.submission(echo, id="late", late=[timedelta(hours=1).total_seconds()], grace=1)
    bench.submit(good, bad, late)
    bench.wait(good, bad, late)
    bench.executor.shutdown()
    assert bench.each_once(good, bad, late)
    assert [outcome.status for outcome in bench.outcomes(good)] == [SUCCEEDED, SUCCEEDED]
    assert bench.outcomes(good)[0].retval == ((1,), {})
    assert (bench.outcomes(bad)[0].status, bench.outcomes(bad)[0].error) == (FAILED, "ValueError: failed")
    assert bench.outcomes(late)[0].status == MISSED
    seen = bench.executor.seen
    assert ("submit", "job", 2) in seen
    assert ("success", "job", [EVENT_JOB_EXECUTED] * 2) in seen
    assert ("success", "bad", [EVENT_JOB_ERROR]) in seen
    assert ("success", "late", [EVENT_JOB_MISSED]) in seen


def test_a_subclass_with_a_submit_of_its_own_is_left_alone():
    class Own(ThreadPoolExecutor):
        def submit(self, submissions, report):
            super().submit(submissions, report)

        def _do_submit_job(self, job, run_times):
            raise AssertionError("not asked for")

    bench = Bench(Own(1))
    assert bench.run(nothing).status == SUCCEEDED
    bench.executor.shutdown()
