"""Starting, stopping, pausing and starting again; what becomes of runs that are in flight meanwhile."""

from __future__ import annotations

import pickle
import sys
import threading
import types

import pytest
from _scheduler_parts import RAN, Every, Held, WaitingStore, note, until

from apscheduler.errors import ConflictingIdError, SchedulerAlreadyRunningError, SchedulerNotRunningError
from apscheduler.events import (
    EVENT_JOB_ADDED,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_INTERRUPTED,
    EVENT_JOB_SUBMITTED,
    EVENT_JOBSTORE_ADDED,
    EVENT_SCHEDULER_PAUSED,
    EVENT_SCHEDULER_RESUMED,
    EVENT_SCHEDULER_SHUTDOWN,
    EVENT_SCHEDULER_START,
    EVENT_SCHEDULER_STARTED,
)
from apscheduler.executors.base import BaseExecutor
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.base import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.testing._jobs import Gate
from apscheduler.testing.manual import ManualScheduler


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


class Recording:
    """A job store and an executor that note how they are started and shut down."""

    def __init__(self):
        self.calls = calls = []

        class Store(WaitingStore):
            def start(self, scheduler, alias):
                super().start(scheduler, alias)
                calls.append(("store", "start", alias))

            def shutdown(self):
                calls.append(("store", "shutdown"))

        class Executor(DebugExecutor):
            def start(self, scheduler, alias):
                super().start(scheduler, alias)
                calls.append(("executor", "start", alias))

            def shutdown(self, wait=True):
                super().shutdown(wait)
                calls.append(("executor", "shutdown", wait))

        self.store, self.executor = Store(), Executor()


# -- states -------------------------------------------------------------------------------------------------------------


def test_the_state_follows_start_pause_resume_and_shutdown():
    scheduler = ManualScheduler()
    assert (scheduler.state, scheduler.running) == (STATE_STOPPED, False)
    scheduler.start()
    assert (scheduler.state, scheduler.running) == (STATE_RUNNING, True)
    scheduler.pause()
    assert (scheduler.state, scheduler.running) == (STATE_PAUSED, True)
    scheduler.resume()
    assert (scheduler.state, scheduler.running) == (STATE_RUNNING, True)
    scheduler.shutdown()
    assert (scheduler.state, scheduler.running) == (STATE_STOPPED, False)
    assert scheduler.recorder.codes[-4:] == [
        EVENT_SCHEDULER_STARTED,
        EVENT_SCHEDULER_PAUSED,
        EVENT_SCHEDULER_RESUMED,
        EVENT_SCHEDULER_SHUTDOWN,
    ]
    assert EVENT_SCHEDULER_START == EVENT_SCHEDULER_STARTED


@pytest.mark.parametrize("method", ["shutdown", "pause", "resume"])
def test_what_needs_a_running_scheduler_says_so(method):
    with pytest.raises(SchedulerNotRunningError, match="Scheduler is not running"):
        getattr(ManualScheduler(), method)()


def test_a_scheduler_is_started_once_and_shut_down_once(scheduler):
    with pytest.raises(SchedulerAlreadyRunningError, match="Scheduler is already running"):
        scheduler.start()
    scheduler.pause()
    with pytest.raises(SchedulerAlreadyRunningError):
        scheduler.start()
    scheduler.shutdown()
    with pytest.raises(SchedulerNotRunningError):
        scheduler.shutdown()


def test_the_events_of_a_start_come_in_their_order():
    scheduler = ManualScheduler()
    scheduler.add_job(note, Every(5))
    scheduler.start()
    codes = scheduler.recorder.codes
    assert (
        codes.index(EVENT_JOBSTORE_ADDED)
        < codes.index(EVENT_JOB_ADDED)
        < codes.index(EVENT_SCHEDULER_STARTED)
    )
    scheduler.shutdown()


def test_a_scheduler_that_is_started_paused_runs_nothing_before_it_is_resumed():
    scheduler = ManualScheduler()
    scheduler.start(paused=True)
    assert scheduler.state == STATE_PAUSED
    scheduler.add_job(note, Every(5), misfire_grace_time=None)
    scheduler.pass_time(5, steps=3)
    assert RAN == []
    scheduler.resume()
    scheduler.turn()
    assert RAN == [None]
    scheduler.shutdown()


def test_pausing_twice_and_resuming_twice_is_the_same_as_once(scheduler):
    scheduler.resume()
    scheduler.pause()
    scheduler.pause()
    scheduler.resume()
    scheduler.resume()
    assert scheduler.recorder.codes == [EVENT_SCHEDULER_PAUSED, EVENT_SCHEDULER_RESUMED]


def test_a_paused_scheduler_sleeps_and_still_writes_outcomes():
    store, held = WaitingStore(), Held()
    scheduler = ManualScheduler(jobstores={"default": store}, executors={"default": held})
    scheduler.start()
    scheduler.add_job(note, Every(5), id="j")
    scheduler.pass_time(5)
    scheduler.pause()
    held.end_all()
    scheduler.pass_time(10)
    assert store._log.live().get("j", 0) == 0
    assert scheduler.turn() == 60
    scheduler.shutdown()


def test_parts_are_started_and_shut_down_with_the_scheduler_executors_first():
    parts = Recording()
    scheduler = ManualScheduler(jobstores={"s": parts.store}, executors={"e": parts.executor})
    assert parts.calls == []
    scheduler.start()
    assert sorted(parts.calls) == [("executor", "start", "e"), ("store", "start", "s")]
    parts.calls.clear()
    scheduler.shutdown()
    assert parts.calls == [("executor", "shutdown", True), ("store", "shutdown")]


def test_parts_added_to_a_running_scheduler_are_started_at_once(scheduler):
    parts = Recording()
    scheduler.add_jobstore(parts.store, "s")
    scheduler.add_executor(parts.executor, "e")
    assert parts.calls == [("store", "start", "s"), ("executor", "start", "e")]


def test_a_scheduler_without_parts_gets_a_memory_store_and_ten_threads():
    scheduler = BlockingScheduler()
    assert type(scheduler._create_default_jobstore()) is MemoryJobStore
    executor = scheduler._create_default_executor()
    assert type(executor) is ThreadPoolExecutor
    assert executor._max_workers == 10


def test_a_start_that_fails_leaves_the_scheduler_stopped_and_can_be_repeated():
    class Closed(WaitingStore):
        closed = True

        def start(self, scheduler, alias):
            if self.closed:
                raise OSError("closed")
            super().start(scheduler, alias)

    store, other = Closed(), WaitingStore()
    scheduler = ManualScheduler(jobstores={"default": other, "closed": store})
    job = scheduler.add_job(note, Every(5), jobstore="closed")
    with pytest.raises(OSError, match="closed"):
        scheduler.start()
    assert not scheduler.running
    assert other.shutdowns == 1
    assert other.read_nodes() == []
    assert scheduler.get_jobs() == [job]
    store.closed = False
    scheduler.start()
    scheduler.pass_time(5)
    assert RAN == [None]
    scheduler.shutdown()


def test_no_lock_is_held_while_listeners_hear_of_pending_jobs_that_are_stored():
    scheduler = ManualScheduler()

    def react(event):
        thread = threading.Thread(target=scheduler.get_jobs)
        thread.start()
        thread.join(5)
        RAN.append(thread.is_alive())

    scheduler.add_listener(react, EVENT_JOB_ADDED)
    scheduler.add_job(note, Every(5))
    scheduler.start()
    assert RAN == [False]
    scheduler.shutdown()


def test_no_lock_is_held_while_listeners_hear_of_runs_that_a_shutdown_cuts_off():
    held = Held()
    scheduler = ManualScheduler(executors={"default": held})

    def react(event):
        thread = threading.Thread(target=scheduler.get_jobs)
        thread.start()
        thread.join(5)
        RAN.append(thread.is_alive())

    scheduler.add_listener(react, EVENT_JOB_INTERRUPTED)
    scheduler.start()
    scheduler.add_job(note, Every(5))
    scheduler.pass_time(5)
    scheduler.shutdown(timeout=0)
    assert RAN == [False]


def test_a_scheduler_cannot_be_pickled():
    with pytest.raises(TypeError, match="Schedulers cannot be serialized"):
        pickle.dumps(ManualScheduler())


# -- starting again ---------------------------------------------------------------------------------------------------------


def test_a_scheduler_can_be_started_again_with_new_jobs():
    scheduler = ManualScheduler()
    for number in range(3):
        scheduler.start()
        scheduler.add_job(note, Every(5), args=[number])
        scheduler.pass_time(5)
        scheduler.shutdown()
    assert RAN == [0, 1, 2]


def test_the_memory_store_forgets_its_jobs_at_a_shutdown_as_in_3x():
    scheduler = ManualScheduler()
    scheduler.start()
    scheduler.add_job(note, Every(5))
    scheduler.shutdown()
    assert scheduler.get_jobs() == []
    scheduler.start()
    assert scheduler.get_jobs() == []
    scheduler.shutdown()


def test_jobs_in_a_store_that_persists_run_on_after_a_restart():
    scheduler = ManualScheduler(jobstores={"default": WaitingStore()})
    scheduler.start()
    scheduler.add_job(note, Every(5), id="j")
    scheduler.pass_time(5)
    scheduler.shutdown()
    scheduler.start()
    scheduler.pass_time(5)
    assert RAN == [None, None]
    scheduler.shutdown()


def test_each_start_is_another_node_and_a_shutdown_signs_off():
    store = WaitingStore()
    scheduler = ManualScheduler(jobstores={"default": store})
    seen = set()
    for _ in range(3):
        scheduler.start()
        [node] = scheduler.get_nodes()
        seen.add(node.id)
        scheduler.shutdown()
        assert store.read_nodes() == []
    assert len(seen) == 3


def test_a_run_that_outlasts_a_restart_is_recorded_and_still_counts():
    store, held = WaitingStore(), Held()
    scheduler = ManualScheduler(jobstores={"default": store}, executors={"default": held})
    scheduler.start()
    scheduler.add_job(note, Every(5), id="j")
    scheduler.pass_time(5)
    scheduler.shutdown(wait=False)
    scheduler.start()
    scheduler.pass_time(5)
    assert [run.status for run in scheduler.get_runs("j")] == ["skipped", "running"]
    held.end_all()
    scheduler.turn()
    assert [run.status for run in scheduler.get_runs("j")] == ["skipped", "succeeded"]
    assert len(scheduler.get_nodes()) == 1
    scheduler.shutdown()
    assert store.read_nodes() == []


# -- runs in flight -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def flight():
    """A scheduler with a run in flight, on a store that outlives it."""

    class Flight:
        def __init__(self):
            self.store, self.held = WaitingStore(), Held()
            self.scheduler = ManualScheduler(
                jobstores={"default": self.store}, executors={"default": self.held}
            )
            self.scheduler.start()
            self.scheduler.add_job(note, Every(5), id="j")
            self.scheduler.pass_time(5)
            self.scheduler.recorder.clear()

        def statuses(self):
            return [(run.status, run.reason) for run in self.scheduler.get_runs("j")]

    return Flight()


def test_a_shutdown_that_does_not_wait_closes_the_store_when_the_last_run_has_ended(flight):
    flight.scheduler.shutdown(wait=False)
    assert flight.held.shutdowns == [False]
    assert flight.store.shutdowns == 0
    flight.held.end_all()
    assert flight.store.shutdowns == 1
    assert flight.store.read_nodes() == []
    assert flight.statuses() == [("succeeded", None)]
    assert flight.scheduler.recorder.codes == [EVENT_SCHEDULER_SHUTDOWN, EVENT_JOB_EXECUTED]


def test_a_shutdown_with_a_timeout_records_what_has_not_ended_as_interrupted(flight):
    flight.scheduler.shutdown(timeout=0)
    assert flight.held.shutdowns == [False]
    assert flight.store.shutdowns == 1
    [(status, reason)] = flight.statuses()
    assert status == "interrupted"
    assert reason == "it had not ended 0 s after the scheduler was shut down"
    assert flight.scheduler.recorder.codes == [EVENT_JOB_INTERRUPTED, EVENT_SCHEDULER_SHUTDOWN]


def test_an_outcome_that_comes_after_the_timeout_does_not_change_the_record(flight):
    flight.scheduler.shutdown(timeout=0)
    flight.held.end_all()
    assert [status for status, _ in flight.statuses()] == ["interrupted"]


def test_a_shutdown_with_a_timeout_waits_no_longer_than_the_runs(flight):
    threading.Timer(0.05, flight.held.end_all).start()
    flight.scheduler.shutdown(timeout=30)
    assert flight.statuses() == [("succeeded", None)]


def test_outcomes_that_wait_for_the_next_turn_are_written_by_the_shutdown(flight):
    flight.held.end_all()
    assert flight.store._log.live().get("j", 0) == 1
    flight.scheduler.shutdown()
    assert flight.store._log.live().get("j", 0) == 0
    assert flight.statuses() == [("succeeded", None)]


def test_an_executor_that_does_not_shut_down_does_not_keep_the_others_and_the_stores_open(caplog):
    class Stuck(Held):
        def shutdown(self, wait=True):
            raise RuntimeError("stuck")

    store, held = WaitingStore(), Held()
    scheduler = ManualScheduler(jobstores={"default": store}, executors={"stuck": Stuck(), "default": held})
    scheduler.start()
    scheduler.shutdown()
    assert held.shutdowns == [True]
    assert store.shutdowns == 1
    assert "stuck" in caplog.text


def test_a_store_that_fails_at_the_end_does_not_keep_the_others_open(caplog):
    class Failing(WaitingStore):
        def take_over(self, node_id, now, reason):
            raise OSError("gone away")

    failing, fine = Failing(), WaitingStore()
    scheduler = ManualScheduler(jobstores={"failing": failing, "default": fine})
    scheduler.start()
    scheduler.shutdown()
    assert (failing.shutdowns, fine.shutdowns) == (1, 1)
    assert "gone away" in caplog.text


# -- shut down from within -------------------------------------------------------------------------------------------------


def test_a_job_may_shut_its_scheduler_down():
    """The run that asked for it is in flight, and has the outcome that it has in the end."""
    store = WaitingStore()
    scheduler = ManualScheduler(jobstores={"default": store})
    scheduler.start()
    scheduler.add_job(lambda: scheduler.shutdown() or "done", Every(5), id="j")
    scheduler.add_job(note, Every(500), id="other")
    scheduler.recorder.clear()
    scheduler.pass_time(5)
    assert not scheduler.running
    [run] = scheduler.get_runs("j")
    assert (run.status, run.result) == ("succeeded", "done")
    assert EVENT_JOB_INTERRUPTED not in scheduler.recorder.codes
    assert store.shutdowns == 1


def test_a_job_in_a_thread_may_shut_its_scheduler_down():
    store = WaitingStore()
    scheduler = ManualScheduler(jobstores={"default": store}, executors={"default": ThreadPoolExecutor(2)})
    scheduler.start()
    scheduler.add_job(lambda: scheduler.shutdown() or "done", Every(5), id="j", misfire_grace_time=None)
    scheduler.pass_time(5)
    until(lambda: store.shutdowns)
    [run] = scheduler.get_runs("j")
    assert (run.status, run.result) == ("succeeded", "done")


def test_other_runs_go_on_when_a_job_shuts_its_scheduler_down():
    gate, store = Gate(), WaitingStore()
    scheduler = ManualScheduler(jobstores={"default": store}, executors={"default": ThreadPoolExecutor(4)})
    scheduler.start()
    scheduler.add_job(gate.enter, Every(5), id="long", misfire_grace_time=None)
    scheduler.pass_time(5)
    gate.wait_entered()
    scheduler.add_job(scheduler.shutdown, id="end", misfire_grace_time=None)
    scheduler.turn()
    until(lambda: not scheduler.running)
    gate.open()
    until(lambda: store.shutdowns)
    assert {run.job_id: run.status for run in scheduler.get_runs()} == {
        "long": "succeeded",
        "end": "succeeded",
    }


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("store", [MemoryJobStore, WaitingStore])
def test_a_listener_may_shut_the_scheduler_down_during_a_turn(wait, store):
    """What was claimed in this turn is started, and the scheduler ends after it."""
    store = store()
    scheduler = ManualScheduler(jobstores={"default": store})
    states = []

    def stop(_):
        if scheduler.running:
            scheduler.shutdown(wait=wait)
            states.append(scheduler.running)

    scheduler.add_listener(stop, EVENT_JOB_SUBMITTED)
    scheduler.start()
    for job_id in "ab":
        scheduler.add_job(note, Every(5), id=job_id)
    scheduler.recorder.clear()
    scheduler.pass_time(5)
    assert states == [False]
    assert RAN == [None, None]
    assert [run.status for run in scheduler.get_runs()] == ["succeeded", "succeeded"]
    assert scheduler.recorder.codes[-1] == EVENT_SCHEDULER_SHUTDOWN
    assert EVENT_JOB_INTERRUPTED not in scheduler.recorder.codes
    assert store.read_nodes() == []


def test_a_listener_may_start_the_scheduler_again_in_the_same_turn():
    store = WaitingStore()
    scheduler = ManualScheduler(jobstores={"default": store})

    def restart(_):
        scheduler.remove_listener(restart)
        scheduler.shutdown()
        scheduler.start()

    scheduler.add_listener(restart, EVENT_JOB_SUBMITTED)
    scheduler.start()
    scheduler.add_job(note, Every(5), id="j")
    scheduler.pass_time(5)
    assert scheduler.running
    scheduler.pass_time(5)
    assert RAN.count(None) >= 1
    assert {run.status for run in scheduler.get_runs()} <= {"succeeded", "interrupted"}
    scheduler.shutdown()


def test_a_listener_to_an_outcome_may_shut_the_scheduler_down():
    store = WaitingStore()
    scheduler = ManualScheduler(jobstores={"default": store}, executors={"default": ThreadPoolExecutor(2)})
    scheduler.add_listener(lambda _: scheduler.shutdown(), EVENT_JOB_EXECUTED)
    scheduler.start()
    scheduler.add_job(note, Every(5), id="j", misfire_grace_time=None)
    scheduler.pass_time(5)
    until(lambda: store.shutdowns)
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded"]


def test_a_scheduler_that_is_shut_down_makes_no_turn(scheduler):
    scheduler.add_job(note, Every(5))
    scheduler.shutdown()
    scheduler.pass_time(50)
    assert RAN == []


# -- a turn never ends the scheduler -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError, SystemExit, BaseException])
def test_whatever_a_store_raises_the_scheduler_goes_on(error):
    class Raising(MemoryJobStore):
        fails = True

        def read_due(self, now, limit):
            if self.fails:
                raise error("no")
            return super().read_due(now, limit)

    store = Raising()
    scheduler = ManualScheduler(jobstores={"default": store})
    scheduler.start()
    scheduler.add_job(note, Every(5), misfire_grace_time=None)
    scheduler.pass_time(5)
    store.fails = False
    scheduler.pass_time(10)
    assert RAN == [None]
    scheduler.shutdown()


def test_a_job_that_ends_the_program_when_it_is_loaded_is_set_aside():
    class Ending(WaitingStore):
        def load(self, row):
            if row.job_id == "ending":
                raise SystemExit(1)
            return super().load(row)

    scheduler = ManualScheduler(jobstores={"default": Ending()})
    scheduler.start()
    scheduler.add_job(note, Every(5), id="ending", args=["ending"])
    scheduler.add_job(note, Every(5), id="fine", args=["fine"])
    scheduler.pass_time(5)
    assert RAN == ["fine"]
    scheduler.shutdown()


def test_a_store_that_lets_nobody_win_does_not_keep_a_turn_busy():
    class Losing(WaitingStore):
        reads = 0

        def read_due(self, now, limit):
            self.reads += 1
            return super().read_due(now, limit)

        def claim(self, node, claims):
            return []

    losing = Losing()
    scheduler = ManualScheduler(jobstores={"losing": losing, "default": WaitingStore()})
    scheduler.start()
    scheduler.add_job(note, Every(5), jobstore="losing")
    scheduler.add_job(note, Every(5), args=["fine"])
    scheduler.clock.advance(seconds=5)
    losing.reads = 0
    wait = scheduler.turn()
    assert losing.reads <= 2  # the outcome of the other job asks for one more turn
    assert 0 < wait < 1
    assert RAN == ["fine"]
    scheduler.shutdown()


def test_jobs_are_not_held_up_by_a_batch_of_jobs_that_are_all_set_aside(scheduler):
    for number in range(600):
        scheduler.add_job(note, Every(5), id=f"a{number:03}", executor="nowhere")
    scheduler.add_job(note, Every(5.001), id="fine", args=["fine"])
    scheduler.pass_time(5.5)
    assert RAN == ["fine"]


# -- where it cannot run ---------------------------------------------------------------------------------------------------------


def test_uwsgi_without_threads_is_refused(monkeypatch):
    uwsgi = types.ModuleType("uwsgi")
    uwsgi.opt = {}
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
    scheduler = ManualScheduler()
    with pytest.raises(RuntimeError, match="--enable-threads"):
        scheduler.start()
    assert not scheduler.running
    uwsgi.opt = {"enable-threads": True}
    scheduler.start()
    scheduler.shutdown()


def test_two_schedulers_are_told_apart_by_the_conflict_of_their_jobs():
    store = WaitingStore()
    one, other = (ManualScheduler(jobstores={"default": store}) for _ in range(2))
    one.start()
    other.start()
    one.add_job(note, Every(5), id="j")
    with pytest.raises(ConflictingIdError):
        other.add_job(note, Every(5), id="j")
    one.shutdown()
    assert [job.id for job in other.get_jobs()] == ["j"]
    other.shutdown()


def test_an_executor_without_a_way_to_submit_makes_failed_runs(scheduler):
    scheduler.add_executor(BaseExecutor(), "bare")
    scheduler.add_job(note, Every(5), id="j", executor="bare")
    scheduler.pass_time(5)
    [run] = scheduler.get_runs("j")
    assert run.status == "failed"
    assert "must override submit() or _do_submit_job()" in run.error
