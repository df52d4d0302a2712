"""Job stores, executors, triggers and schedulers that were written for 3.x, with everything that 3.x does not have."""

from __future__ import annotations

import asyncio
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor as Pool
from datetime import UTC, datetime, timedelta

import pytest
from _scheduler_parts import RAN, Every, Notes, fail, note, until

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    EVENT_JOB_SUBMITTED,
)
from apscheduler.executors.base import BaseExecutor, MaxInstancesReachedError, run_job
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore, ConflictingIdError, JobLookupError
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.testing._jobs import Gate
from apscheduler.testing.manual import ManualScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.util import datetime_to_utc_timestamp, maybe_ref, utc_timestamp_to_datetime


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


class DictJobStore(BaseJobStore):
    """What a user writes for a key-value store: pickled job states by id, and their times."""

    def __init__(self, logger=None):
        super().__init__()
        self.rows = {}
        self.started = []

    def start(self, scheduler, alias):
        super().start(scheduler, alias)
        self.started.append(alias)

    def shutdown(self):
        self.started.append("shutdown")

    def lookup_job(self, job_id):
        row = self.rows.get(job_id)
        return self._reconstitute(row[1]) if row else None

    def get_due_jobs(self, now):
        stamp = datetime_to_utc_timestamp(now)
        return [job for at, job in self._sorted() if at is not None and at <= stamp]

    def get_next_run_time(self):
        times = [at for at, _ in self.rows.values() if at is not None]
        return utc_timestamp_to_datetime(min(times)) if times else None

    def get_all_jobs(self):
        jobs = [job for _, job in self._sorted()]
        self._fix_paused_jobs_sorting(jobs)
        return jobs

    def add_job(self, job):
        if job.id in self.rows:
            raise ConflictingIdError(job.id)
        self.rows[job.id] = self._row(job)

    def update_job(self, job):
        if job.id not in self.rows:
            raise JobLookupError(job.id)
        self.rows[job.id] = self._row(job)

    def remove_job(self, job_id):
        if job_id not in self.rows:
            raise JobLookupError(job_id)
        del self.rows[job_id]

    def remove_all_jobs(self):
        self.rows.clear()

    def _row(self, job):
        return datetime_to_utc_timestamp(job.next_run_time), pickle.dumps(job.__getstate__())

    def _sorted(self):
        rows = sorted(self.rows.values(), key=lambda row: row[0] or 0)
        return [(at, self._reconstitute(state)) for at, state in rows]

    def _reconstitute(self, state):
        state = pickle.loads(state)
        state["jobstore"] = self
        job = Job.__new__(Job)
        job.__setstate__(state)
        job._scheduler = self._scheduler
        job._jobstore_alias = self._alias
        return job


class ThreadsOfMine(BaseExecutor):
    """What a user writes to run jobs in threads of their own."""

    def __init__(self, workers=4):
        super().__init__()
        self._pool = Pool(workers)

    def _do_submit_job(self, job, run_times):
        def callback(future):
            exc = future.exception()
            if exc:
                self._run_job_error(job.id, exc, exc.__traceback__)
            else:
                self._run_job_success(job.id, future.result())

        future = self._pool.submit(run_job, job, job._jobstore_alias, run_times, self._logger.name)
        future.add_done_callback(callback)

    def shutdown(self, wait=True):
        self._pool.shutdown(wait)


class Immediate(BaseExecutor):
    """What a user writes for tests."""

    def _do_submit_job(self, job, run_times):
        try:
            events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
        except BaseException:
            self._run_job_error(job.id, *sys.exc_info()[1:])
        else:
            self._run_job_success(job.id, events)


class Later(BaseExecutor):
    """Keeps what it is handed until a test says how it ended."""

    def __init__(self):
        super().__init__()
        self.jobs = []

    def _do_submit_job(self, job, run_times):
        self.jobs.append((job, run_times))


@pytest.fixture
def store():
    return DictJobStore()


@pytest.fixture
def scheduler(store):
    scheduler = ManualScheduler(jobstores={"default": store})
    scheduler.start()
    scheduler.turn()
    scheduler.recorder.clear()
    yield scheduler
    if scheduler.running:
        scheduler.shutdown(timeout=0)


# -- a job store ------------------------------------------------------------------------------------------------------------


def test_a_store_of_3x_is_started_and_shut_down(store):
    scheduler = ManualScheduler(jobstores={"mine": store})
    scheduler.start()
    assert scheduler._lookup_jobstore("mine") is store
    scheduler.shutdown()
    assert store.started == ["mine", "shutdown"]


def test_jobs_in_a_store_of_3x_run_and_move_on(scheduler, store):
    scheduler.add_job(note, Every(10), args=["x"], id="j")
    scheduler.pass_time(10, steps=3)
    assert RAN == ["x", "x", "x"]
    assert store.rows["j"][0] == scheduler.clock.time() + 10
    assert scheduler.recorder.codes.count(EVENT_JOB_EXECUTED) == 3


def test_the_last_run_time_of_a_job_in_a_store_of_3x_removes_it(scheduler, store):
    scheduler.add_job(note, "date", run_date=scheduler.clock.now(), id="j")
    scheduler.turn()
    assert RAN == [None]
    assert store.rows == {}


def test_every_run_in_a_store_of_3x_leaves_a_record(scheduler):
    scheduler.add_job(note, Every(10), id="good")
    scheduler.add_job(fail, Every(10), id="bad")
    scheduler.pass_time(10)
    scheduler.clock.advance(seconds=25)
    scheduler.turn()
    assert [run.status for run in scheduler.get_runs("good")] == ["missed", "skipped", "succeeded"]
    assert [run.error for run in scheduler.get_runs("bad", status="failed")] == ["ValueError: no such luck"]
    assert len(scheduler.get_nodes()) == 1


def test_max_instances_and_coalescing_hold_in_a_store_of_3x(scheduler):
    later = Later()
    scheduler.add_executor(later, "later")
    scheduler.add_job(note, Every(10), id="j", executor="later", misfire_grace_time=None)
    scheduler.clock.advance(seconds=35)
    scheduler.turn()
    assert [len(times) for _, times in later.jobs] == [1]
    scheduler.pass_time(10)
    assert len(later.jobs) == 1
    assert EVENT_JOB_MAX_INSTANCES in scheduler.recorder.codes
    job, times = later.jobs.pop()
    later._run_job_success(job.id, run_job(job, job._jobstore_alias, times, "test"))
    scheduler.pass_time(10)
    assert len(later.jobs) == 1


def test_without_coalescing_all_run_times_are_handed_over_together(scheduler):
    later = Later()
    scheduler.add_executor(later, "later")
    scheduler.add_job(note, Every(10), id="j", executor="later", coalesce=False)
    scheduler.clock.advance(seconds=35)
    scheduler.turn()
    [(_, times)] = later.jobs
    assert [time.second for time in times] == [10, 20, 30]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.modify_job("j", name="New"),
        lambda s: s.get_job("j").modify(name="New"),
        lambda s: s.add_job(note, Every(10), id="j", name="New", replace_existing=True),
    ],
)
def test_a_job_in_a_store_of_3x_is_changed_and_what_is_returned_shows_it(scheduler, change):
    scheduler.add_job(note, Every(10), id="j")
    assert change(scheduler).name == "New"
    assert scheduler.get_job("j").name == "New"


def test_jobs_in_a_store_of_3x_are_paused_resumed_rescheduled_and_removed(scheduler, store):
    scheduler.add_job(note, "interval", seconds=10, id="j")
    assert scheduler.pause_job("j").next_run_time is None
    scheduler.pass_time(11, steps=3)
    assert RAN == []
    assert scheduler.resume_job("j").next_run_time > scheduler.clock.now()
    assert scheduler.reschedule_job("j", trigger=Every(3)).trigger.step == timedelta(seconds=3)
    assert scheduler.modify_job("j", trigger=Every(4)).trigger.step == timedelta(seconds=4)
    scheduler.pass_time(3)
    assert RAN == [None]
    scheduler.remove_job("j")
    assert store.rows == {}
    scheduler.add_job(note, Every(5), id="k")
    scheduler.remove_all_jobs()
    assert scheduler.get_jobs() == []


def test_ids_conflict_in_a_store_of_3x(scheduler):
    scheduler.add_job(note, Every(10), id="j")
    with pytest.raises(ConflictingIdError):
        scheduler.add_job(note, Every(10), id="j")
    with pytest.raises(ConflictingIdError):
        scheduler.add_jobs([{"func": note, "id": "new"}, {"func": note, "id": "j"}])
    assert [job.id for job in scheduler.get_jobs()] == ["j"]


def test_an_unchanged_job_in_a_store_of_3x_keeps_its_phase(scheduler):
    first = scheduler.add_job(note, "interval", seconds=10, id="j", replace_existing="if_changed")
    scheduler.clock.advance(seconds=3)
    again = scheduler.add_job(note, "interval", seconds=10, id="j", replace_existing="if_changed")
    assert again.next_run_time == first.next_run_time


def test_jobs_that_a_store_of_3x_keeps_over_a_restart_run_on(scheduler, store):
    scheduler.add_job(Notes("kept").plain, Every(10), id="j")
    scheduler.shutdown()
    other = ManualScheduler(jobstores={"default": store}, clock=scheduler.clock)
    other.start()
    other.pass_time(10)
    assert RAN == [("kept", None)]
    other.shutdown()


def test_a_store_of_3x_may_call_its_scheduler(scheduler, store):
    class Curious(DictJobStore):
        def add_job(self, job):
            super().add_job(job)
            RAN.append(len(self._scheduler.get_jobs("curious")))

    scheduler.add_jobstore(Curious(), "curious")
    scheduler.add_job(note, Every(10), jobstore="curious")
    assert RAN == [1]


def test_a_store_of_3x_that_fails_is_tried_again(scheduler, store, caplog):
    scheduler.add_job(note, Every(10), id="j", misfire_grace_time=None)
    rows, store.rows = store.rows, None
    scheduler.pass_time(10)
    store.rows = rows
    scheduler.pass_time(10)
    assert "does not answer" in caplog.text
    assert RAN == [None]


def test_a_trigger_that_counts_goes_on_counting_in_a_store_of_3x(scheduler):
    scheduler.add_job(note, Thrice(10), id="j")
    scheduler.pass_time(10, steps=6)
    assert RAN == [None] * 3
    assert scheduler.get_jobs() == []


# -- an executor ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "of 3.x"])
def either(request):
    """A scheduler on our memory store or on a store of 3.x, in real time, as `run_job()` reads the system's clock."""
    scheduler = ManualScheduler(jobstores={"default": DictJobStore()} if request.param == "of 3.x" else {})
    scheduler.clock._now = datetime.now(UTC)
    scheduler.start()
    yield scheduler
    if scheduler.running:
        scheduler.shutdown()


def test_an_executor_of_3x_runs_jobs_and_reports_them(either):
    either.add_executor(Immediate(), "mine")
    either.add_job(note, args=["x"], executor="mine", id="j", misfire_grace_time=60)
    either.recorder.clear()
    either.turn()
    assert RAN == ["x"]
    assert either.recorder.codes[-2:] == [EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED]
    [run] = either.get_runs("j")
    assert (run.status, run.result) == ("succeeded", "x")


def test_a_failure_in_an_executor_of_3x_is_an_event_and_a_record(either):
    either.add_executor(Immediate(), "mine")
    either.add_job(fail, executor="mine", id="j", misfire_grace_time=60)
    either.turn()
    event = either.recorder.events[-1]
    assert (event.code, str(event.exception)) == (EVENT_JOB_ERROR, "no such luck")
    [run] = either.get_runs("j")
    assert (run.status, run.error) == ("failed", "ValueError: no such luck")
    assert "in fail" in run.traceback


def test_a_run_that_is_too_late_is_missed_in_an_executor_of_3x(either):
    either.add_executor(Immediate(), "mine")
    either.add_job(note, "date", run_date="2020-01-01", executor="mine", id="j")
    either.turn()
    assert RAN == []
    assert either.recorder.codes[-1] == EVENT_JOB_MISSED
    assert [run.status for run in either.get_runs("j")] == ["missed"]


def test_threads_of_an_executor_of_3x_report_to_the_scheduler(either):
    gate = Gate()
    either.add_executor(ThreadsOfMine(), "mine")
    Notes.gate = gate
    either.add_job(enter, id="j", executor="mine", misfire_grace_time=60)
    either.turn()
    gate.wait_entered()
    assert [run.status for run in either.get_runs("j")] == ["running"]
    gate.open()
    until(lambda: EVENT_JOB_EXECUTED in either.recorder.codes)
    assert [run.status for run in either.get_runs("j")] == ["succeeded"]


def enter():
    return Notes.gate.enter()


def test_a_shutdown_waits_for_the_threads_of_an_executor_of_3x(either):
    either.add_executor(ThreadsOfMine(), "mine")
    for number in range(10):
        either.add_job(note, args=[number], id=str(number), executor="mine", misfire_grace_time=60)
    either.turn()
    either.shutdown()
    assert sorted(RAN) == list(range(10))
    assert {run.status for run in either.get_runs()} == {"succeeded"}


def test_an_executor_of_3x_may_limit_instances_by_itself(either):
    class Busy(Later):
        def submit_job(self, job, run_times):
            raise MaxInstancesReachedError(job)

    either.add_executor(Busy(), "busy")
    either.add_job(note, id="j", executor="busy", misfire_grace_time=60)
    either.turn()
    assert either.recorder.codes[-1] == EVENT_JOB_MAX_INSTANCES
    assert [(run.status, run.reason) for run in either.get_runs("j")] == [("skipped", "max_instances")]


def test_an_executor_of_3x_that_raises_makes_a_failed_run(either, caplog):
    class Broken(Later):
        def _do_submit_job(self, job, run_times):
            raise RuntimeError("no room")

    either.add_executor(Broken(), "broken")
    either.add_job(note, id="j", executor="broken", misfire_grace_time=60)
    either.turn()
    assert [run.error for run in either.get_runs("j")] == ["RuntimeError: no room"]


def test_a_subclass_of_our_thread_pool_that_wraps_jobs_is_asked(either):
    class InContext(ThreadPoolExecutor):
        def _do_submit_job(self, job, run_times):
            RAN.append("entered")
            super()._do_submit_job(job, run_times)

        def _run_job_success(self, job_id, events):
            RAN.append(("left", [event.retval for event in events]))
            super()._run_job_success(job_id, events)

    either.add_executor(InContext(2), "context")
    either.add_job(note, args=["x"], id="j", executor="context", misfire_grace_time=60)
    either.turn()
    until(lambda: EVENT_JOB_EXECUTED in either.recorder.codes)
    assert RAN == ["entered", "x", ("left", ["x"])]
    assert [run.status for run in either.get_runs("j")] == ["succeeded"]


# -- triggers -------------------------------------------------------------------------------------------------------------------


class OneArgument(BaseTrigger):
    """As many are: no time zone, no keyword, an `isinstance` of nothing else."""

    def __init__(self, seconds):
        self.seconds = seconds

    def get_next_fire_time(self, previous_fire_time, now):
        return (previous_fire_time or now) + timedelta(seconds=self.seconds)

    def __str__(self):
        return f"one[{self.seconds}]"


class Thrice(OneArgument):
    """Keeps a count of its own, as recipes for "run three times" do."""

    def __init__(self, seconds):
        super().__init__(seconds)
        self.left = 3

    def get_next_fire_time(self, previous_fire_time, now):
        if self.left == 0:
            return None
        self.left -= 1
        return super().get_next_fire_time(previous_fire_time, now)


def test_a_trigger_of_3x_is_shown_and_changed_like_ours(scheduler):
    job = scheduler.add_job(note, OneArgument(10), id="j")
    assert str(job).startswith("note (trigger: one[10], next run at: 2030-01-01 00:00:10 UTC)")
    assert scheduler.modify_job("j", seconds=20).trigger.seconds == 20


def test_a_trigger_that_counts_stops_in_the_memory_store():
    scheduler = ManualScheduler()
    scheduler.start()
    scheduler.add_job(note, Thrice(10), id="j")
    scheduler.pass_time(10, steps=6)
    assert RAN == [None] * 3
    scheduler.shutdown()


# -- schedulers -----------------------------------------------------------------------------------------------------------------


class LoopOfMine(BaseScheduler):
    """What a user writes for a loop of their own."""

    _event = None

    def start(self, *args, **kwargs):
        self._event = threading.Event()
        super().start(*args, **kwargs)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def shutdown(self, wait=True):
        super().shutdown(wait)
        self._event.set()
        self._thread.join()

    def wakeup(self):
        self._event.set()

    def _run(self):
        while self.running:
            wait_seconds = self._process_jobs()
            self._event.wait(wait_seconds)
            self._event.clear()


def test_a_scheduler_with_a_loop_of_its_own_runs_jobs():
    scheduler = LoopOfMine(timezone="UTC")
    scheduler.add_job(note, args=["pending"])
    scheduler.start()
    scheduler.add_job(note, args=["added"], id="j")
    scheduler.add_job(note, "interval", seconds=0.02, args=["again"])
    until(lambda: RAN.count("again") > 2)
    scheduler.pause()
    scheduler.resume()
    scheduler.shutdown()
    assert {"pending", "added"} <= set(RAN)
    assert scheduler.get_runs("j", status="succeeded") != []


class SchedulerOnAsyncio(BaseScheduler):
    """As written for 3.x on top of `_process_jobs()` and a timer."""

    def __init__(self, loop):
        super().__init__(timezone="UTC")
        self.loop = loop
        self.timer = None

    def wakeup(self):
        self.loop.call_soon_threadsafe(self._again)

    def _again(self):
        if self.timer:
            self.timer.cancel()
        if self.running:
            self.timer = self.loop.call_later(self._process_jobs(), self._again)


def test_a_scheduler_called_by_somebodys_loop_runs_jobs():
    async def main():
        scheduler = SchedulerOnAsyncio(asyncio.get_running_loop())
        scheduler.start()
        scheduler.add_job(note, "interval", seconds=0.02)
        while len(RAN) < 3:
            await asyncio.sleep(0.01)
        scheduler.shutdown()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_subclass_of_a_blocking_scheduler_may_bring_its_own_loop():
    class Own(BlockingScheduler):
        def _main_loop(self):
            RAN.append("own loop")

    scheduler = Own()
    thread = threading.Thread(target=scheduler.start)
    thread.start()
    until(lambda: RAN == ["own loop"])
    scheduler.shutdown()
    thread.join()


def test_methods_that_subclasses_of_3x_override_are_called():
    class Own(ManualScheduler):
        def _create_default_executor(self):
            return Immediate()

        def _create_default_jobstore(self):
            return DictJobStore()

        def _configure(self, config):
            RAN.append(("configure", config.pop("mine", None)))
            super()._configure(config)

    scheduler = Own(mine=5)
    scheduler.start()
    assert type(scheduler._executors["default"]) is Immediate
    assert type(scheduler._jobstores["default"]) is DictJobStore
    assert RAN[0] == ("configure", 5)
    scheduler.shutdown()


def test_references_in_a_configuration_are_resolved_by_the_helpers_of_3x():
    assert maybe_ref("_scheduler_parts:note") is note
