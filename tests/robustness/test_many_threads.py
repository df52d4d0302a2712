"""Every call may come from any thread, and from wherever the scheduler itself calls, while it runs."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import random
import subprocess
import sys
import threading
import time

import pytest
from _fault_parts import note

from apscheduler.errors import ConflictingIdError, JobLookupError
from apscheduler.events import EVENT_ALL, EVENT_JOB_ADDED, EVENT_JOB_EXECUTED
from apscheduler.executors.base import BaseExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing.faults import FaultyStore
from apscheduler.testing.manual import ManualScheduler

SECONDS = 1.5
THREADS = 6


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    if request.param == "memory":
        return MemoryJobStore()
    return SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite")


def wait_until(true, seconds=15.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.005)


def all_calls(scheduler, rng, numbers):
    """Return one random call out of all that there are."""
    name = f"job {rng.randrange(8)}"
    other = f"other {rng.randrange(3)}"
    return rng.choice(
        [
            lambda: scheduler.add_job(note, "interval", seconds=0.01, id=name, replace_existing=True),
            lambda: scheduler.add_job(note, id=name),
            lambda: scheduler.add_job(note, executor="other"),
            lambda: scheduler.add_jobs([{"func": note, "trigger": "interval", "hours": 1} for _ in range(3)]),
            lambda: scheduler.modify_job(name, name=f"{next(numbers)}"),
            lambda: scheduler.reschedule_job(name, trigger="interval", seconds=0.02),
            lambda: scheduler.pause_job(name),
            lambda: scheduler.resume_job(name),
            lambda: scheduler.remove_job(name),
            lambda: scheduler.get_job(name),
            lambda: scheduler.get_jobs(),
            lambda: scheduler.get_runs(limit=10),
            lambda: scheduler.get_nodes(),
            lambda: scheduler.health(),
            lambda: scheduler.pause(),
            lambda: scheduler.resume(),
            lambda: scheduler.wakeup(),
            lambda: scheduler.add_listener(note, EVENT_ALL),
            lambda: scheduler.remove_listener(note),
            lambda: scheduler.add_jobstore("memory", other),
            lambda: scheduler.add_job(note, "interval", seconds=0.01, jobstore=other),
            lambda: scheduler.remove_jobstore(other),
            lambda: scheduler.add_executor(ThreadPoolExecutor(1), other),
            lambda: scheduler.remove_executor(other),
        ]
    )


def hammer(scheduler, seed, over, errors):
    rng, numbers = random.Random(seed), itertools.count()
    while not over.is_set():
        try:
            all_calls(scheduler, rng, numbers)()
        except (JobLookupError, ConflictingIdError):
            pass
        except (KeyError, ValueError) as exc:  # an alias that another thread has taken, or removed
            if "lready" not in str(exc) and "No such" not in str(exc):
                errors.append(exc)
        except BaseException as exc:
            errors.append(exc)


@pytest.fixture(params=["background", "asyncio"])
def running(request, store):
    """A scheduler that runs: in a thread of its own, or on an event loop in one."""
    options = {
        "jobstores": {"default": store},
        "executors": {"default": ThreadPoolExecutor(4), "other": ThreadPoolExecutor(2)},
    }
    if request.param == "background":
        scheduler = BackgroundScheduler(**options)
        scheduler.start()
        yield scheduler
        scheduler.shutdown()
        return
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    scheduler = AsyncIOScheduler(event_loop=loop, **options)
    scheduler.start()
    yield scheduler
    asyncio.run(scheduler.ashutdown())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_all_calls_from_many_threads_at_once(running, caplog):
    caplog.set_level("CRITICAL", "apscheduler.executors")
    scheduler = running
    over, errors = threading.Event(), []
    threads = [
        threading.Thread(target=hammer, args=(scheduler, seed, over, errors)) for seed in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    over.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert errors == []
    scheduler.resume()
    heard = threading.Event()
    scheduler.add_listener(lambda event: event.job_id == "last" and heard.set(), EVENT_JOB_EXECUTED)
    scheduler.add_job(note, id="last", misfire_grace_time=None)  # it still does its work
    assert heard.wait(20)
    scheduler.remove_all_jobs()
    wait_until(lambda: not scheduler.get_runs(status="running", limit=None))


# -- from within -----------------------------------------------------------------------------------------------------------


def test_a_job_is_added_from_a_job_a_listener_and_a_thread(store):
    scheduler = BackgroundScheduler(jobstores={"default": store})
    heard, names = [], {"by a job", "by a listener", "by a thread"}

    def listen(event):
        if event.job_id == "first":
            scheduler.add_job(note, id="by a listener", misfire_grace_time=None)

    scheduler.add_listener(listen, EVENT_JOB_ADDED)
    scheduler.add_listener(lambda event: heard.append(event.job_id), EVENT_JOB_EXECUTED)
    scheduler.start()
    FIRST.append(scheduler)
    scheduler.add_job(add_another, id="first", misfire_grace_time=None)
    thread = threading.Thread(
        target=lambda: scheduler.add_job(note, id="by a thread", misfire_grace_time=None)
    )
    thread.start()
    wait_until(lambda: names <= set(heard))
    thread.join()
    FIRST.clear()
    scheduler.shutdown()


FIRST = []


def add_another():
    FIRST[0].add_job(note, id="by a job", misfire_grace_time=None)


def test_a_job_is_added_by_a_callback_of_the_loop(store):
    heard = []

    async def main():
        async with AsyncIOScheduler(jobstores={"default": store}) as scheduler:
            scheduler.add_listener(lambda event: heard.append(event.job_id), EVENT_JOB_EXECUTED)
            add = scheduler.add_job
            asyncio.get_running_loop().call_soon(lambda: add(note, id="j", misfire_grace_time=None))
            while heard != ["j"]:
                await asyncio.sleep(0.005)

    asyncio.run(main())


def test_a_job_that_shuts_down_with_a_timeout_does_not_wait_for_itself(store):
    scheduler = BackgroundScheduler(jobstores={"default": store})
    scheduler.start()
    took = []

    def end():
        begin = time.monotonic()
        scheduler.shutdown(timeout=30)
        took.append(time.monotonic() - begin)
        return "done"

    FIRST.append(end)
    scheduler.add_job(call_first, id="j", misfire_grace_time=None)
    wait_until(lambda: took)
    wait_until(lambda: [run.status for run in scheduler.get_runs("j")] == ["succeeded"])
    FIRST.clear()
    assert took[0] < 15


def call_first():
    return FIRST[0]()


def test_a_job_that_shuts_down_with_a_timeout_waits_for_the_others():
    scheduler = BackgroundScheduler()
    scheduler.start()
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def long():
        begun.set()
        assert go.wait(20)

    def end():
        scheduler.shutdown(timeout=20)
        ended.set()

    scheduler.add_job(long, id="long", misfire_grace_time=None)
    assert begun.wait(20)
    scheduler.add_job(end, id="end", misfire_grace_time=None)
    wait_until(lambda: not scheduler.running)
    assert not ended.wait(0.05)
    go.set()
    assert ended.wait(20)
    wait_until(lambda: {run.status for run in scheduler.get_runs()} == {"succeeded"})


# -- a job store that is removed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("waits", [True, False])
def test_a_store_that_is_removed_during_a_claim_is_left_without_running_runs(waits, tmp_path):
    """Whether or not the claim is waited for, which a scheduler on somebody's loop does not do."""

    class Slow(SQLAlchemyJobStore):
        claiming, go = threading.Event(), threading.Event()

        def claim(self, node, claims):
            self.claiming.set()
            assert self.go.wait(20)
            return super().claim(node, claims)

    store, url = None, f"sqlite:///{tmp_path}/jobs.sqlite"
    Slow.claiming.clear()
    Slow.go.clear()
    scheduler = BackgroundScheduler(jobstores={"default": MemoryJobStore()})
    if not waits:
        scheduler._await_turn = lambda timeout: None
    store = Slow(url)
    scheduler.start()
    scheduler.add_jobstore(store, "slow")
    scheduler.add_job(note, id="j", jobstore="slow", misfire_grace_time=None)
    assert store.claiming.wait(20)
    removing = threading.Thread(target=scheduler.remove_jobstore, args=["slow"])
    removing.start()
    if not waits:
        removing.join(20)
    store.go.set()
    removing.join(20)
    scheduler.shutdown()
    after = ManualScheduler(jobstores={"default": SQLAlchemyJobStore(url)})
    after.start(paused=True)
    runs = after.get_runs("j")
    assert [run.status for run in runs] == ["interrupted"]
    assert [node.id for node in after.get_nodes()] == [after._engine.node.id]
    after.shutdown()


def test_a_store_that_a_listener_removes_before_a_run_starts_does_not_start_it(tmp_path):
    from apscheduler.events import EVENT_JOB_SUBMITTED

    ran = []
    scheduler = ManualScheduler(jobstores={"default": FaultyStore(MemoryJobStore(), blocks=True)})
    scheduler.start()
    scheduler.add_listener(lambda _: scheduler.remove_jobstore("default"), EVENT_JOB_SUBMITTED)
    scheduler.add_job(ran.append, args=["x"], id="j", misfire_grace_time=None)
    scheduler.turn()
    assert ran == []
    scheduler.shutdown()


# -- what is left open ---------------------------------------------------------------------------------------------------------


class Silent(BaseExecutor):
    """Takes runs and never says what became of them."""

    def submit(self, submissions, report):
        pass


NEVER_REPORTING = """
from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers.background import BackgroundScheduler
import time

class Silent(BaseExecutor):
    def submit(self, submissions, report):
        taken.append(submissions)

taken = []
scheduler = BackgroundScheduler(
    jobstores={{"default": {{"type": "sqlalchemy", "url": "{url}"}}}}, executors={{"default": Silent()}}
)
scheduler.start()
scheduler.add_job(print, id="j", misfire_grace_time=None)
while not taken:
    time.sleep(0.01)
scheduler.shutdown(wait=True)
"""


def test_an_executor_that_never_reports_does_not_leave_a_node_behind_when_the_program_ends(tmp_path):
    url = f"sqlite:///{tmp_path}/jobs.sqlite"
    subprocess.run([sys.executable, "-c", NEVER_REPORTING.format(url=url)], check=True, timeout=30)
    after = ManualScheduler(jobstores={"default": SQLAlchemyJobStore(url)})
    after.start(paused=True)
    assert [(run.status, run.reason) for run in after.get_runs("j")] == [("interrupted", "the program ended")]
    assert len(after.get_nodes()) == 1
    after.shutdown()


def test_stores_that_wait_for_a_run_say_so(caplog):
    caplog.set_level("INFO", "apscheduler.scheduler")
    scheduler = ManualScheduler(executors={"default": Silent()})
    scheduler.start()
    scheduler.add_job(note, id="j", misfire_grace_time=None)
    scheduler.turn()
    scheduler.shutdown()
    assert "1 runs have not ended" in caplog.text


def test_many_starts_leave_one_callback_for_the_end_of_the_program():
    """Each start used to leave one, with all that it held."""
    before = atexit._ncallbacks()
    for _ in range(5):
        scheduler = ManualScheduler(jobstores={"default": FaultyStore(MemoryJobStore(), blocks=True)})
        for _ in range(3):
            scheduler.start()
            scheduler.shutdown()
    assert atexit._ncallbacks() <= before + 1
