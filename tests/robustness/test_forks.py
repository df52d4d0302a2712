"""A scheduler that was started before a fork belongs to the parent: the child has none of its threads."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest
from _fault_parts import RAN, note

from _forks import in_child
from apscheduler.errors import SchedulerNotRunningError
from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_SUBMITTED
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing.manual import ManualScheduler

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@pytest.fixture
def sqlite(tmp_path):
    return f"sqlite:///{tmp_path}/jobs.sqlite"


@pytest.fixture(params=["memory", "sqlite"])
def scheduler(request, sqlite):
    stores = {} if request.param == "memory" else {"default": SQLAlchemyJobStore(sqlite)}
    scheduler = BackgroundScheduler(jobstores=stores, timezone="UTC")
    scheduler.start()
    scheduler.add_job(note, "interval", hours=1, id="j")
    yield scheduler
    scheduler.shutdown()


def wait_until(true, seconds=15.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.005)


# -- what a child is told ----------------------------------------------------------------------------------------------------


def test_it_does_not_run_in_the_child_and_runs_on_in_the_parent(scheduler):
    assert in_child(lambda: (scheduler.running, threading.active_count())) == (False, 1)
    assert scheduler.running


@pytest.mark.parametrize(
    "call",
    [
        lambda scheduler: scheduler.add_job(note),
        lambda scheduler: scheduler.add_jobs([{"func": note}]),
        lambda scheduler: scheduler.get_job("j"),
        lambda scheduler: scheduler.get_jobs(),
        lambda scheduler: scheduler.modify_job("j", name="x"),
        lambda scheduler: scheduler.remove_job("j"),
        lambda scheduler: scheduler.remove_all_jobs(),
        lambda scheduler: scheduler.print_jobs(),
        lambda scheduler: scheduler.export_jobs("nowhere"),
        lambda scheduler: scheduler.pause(),
    ],
)
def test_calls_say_which_process_it_runs_in_and_what_to_do(scheduler, call):
    """Else a job that a worker of a web server adds would wait there for ever."""

    def child():
        try:
            call(scheduler)
        except SchedulerNotRunningError as exc:
            return str(exc)
        return "nothing was said"

    said = in_child(child)
    assert f"started in process {os.getpid()}" in said
    assert "call start()" in said


def test_a_scheduler_that_was_not_started_before_the_fork_takes_pending_jobs_in_the_child():
    scheduler = BackgroundScheduler()

    def child():
        scheduler.add_job(note, id="pending")
        return [job.id for job in scheduler.get_jobs()]

    assert in_child(child) == ["pending"]


def test_a_shutdown_in_the_child_does_nothing_and_is_no_error(scheduler):
    """Programs register it for the exit of every process."""
    assert in_child(scheduler.shutdown) is None
    assert scheduler.running
    assert len(scheduler.get_nodes()) == 1


def test_a_job_handle_of_the_parent_says_it_too(scheduler):
    job = scheduler.get_job("j")

    def child():
        with pytest.raises(SchedulerNotRunningError, match="forked"):
            job.pause()

    in_child(child)


# -- starting anew -------------------------------------------------------------------------------------------------------------


def test_it_can_be_started_in_the_child_as_another_node(scheduler):
    def child():
        scheduler.start()
        ran = threading.Event()
        scheduler.add_listener(lambda _: ran.set(), EVENT_JOB_EXECUTED)
        scheduler.add_job(note, id="of the child", misfire_grace_time=None)
        assert ran.wait(10)
        nodes = {node.id for node in scheduler.get_nodes()}
        scheduler.shutdown()
        return nodes, scheduler._engine.node.id

    nodes, own = in_child(child)
    mine = scheduler._engine.node.id
    assert own in nodes
    assert own != mine
    assert f":{os.getpid()}:" not in own
    assert [node.id for node in scheduler.get_nodes()] == [mine]
    assert scheduler.get_job("j") is not None


def test_each_run_time_is_run_by_one_of_parent_and_child(sqlite):
    scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(sqlite)}, timezone="UTC")
    scheduler.start()
    scheduler.add_job(note, "interval", seconds=0.05, id="j", misfire_grace_time=None, coalesce=False)

    def child():
        scheduler.start()
        time.sleep(1.0)  # in which both are at it
        scheduler.shutdown()

    in_child(child)
    scheduler.pause_job("j")
    scheduler.shutdown()
    runs = scheduler.get_runs("j", limit=None)
    assert {run.status for run in runs} <= {"succeeded", "skipped"}
    assert len({run.run_time for run in runs}) == len(runs)
    assert len(runs) >= 10


def test_the_runs_of_the_parent_are_not_ended_by_the_child(sqlite):
    go = threading.Event()
    scheduler = BackgroundScheduler(jobstores={"default": {"type": "memory"}}, timezone="UTC")
    scheduler.start()
    scheduler.add_job(go.wait, args=[10], id="j", misfire_grace_time=None)
    wait_until(lambda: [run.status for run in scheduler.get_runs("j")] == ["running"])

    def child():
        scheduler.start()
        scheduler.shutdown(timeout=5)
        return [run.status for run in scheduler.get_runs("j")]

    assert in_child(child) == []
    go.set()
    scheduler.shutdown()
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded"]


def test_a_child_that_is_forked_within_a_turn_runs_nothing_of_it(sqlite):
    scheduler = ManualScheduler(jobstores={"default": SQLAlchemyJobStore(sqlite)})
    children = []

    def fork(_):
        def child():
            fork.inside = True

        if not children:
            children.append(os.fork())

    RAN.clear()
    scheduler.add_listener(fork, EVENT_JOB_SUBMITTED)
    scheduler.start()
    parent = os.getpid()
    scheduler.add_job(note, "interval", seconds=5, id="j")
    scheduler.pass_time(5)  # both processes come out of this turn
    if os.getpid() != parent:
        os._exit(0 if not RAN and not scheduler.running else 1)
    _, status = os.waitpid(children[0], 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(RAN) == 1
    scheduler.shutdown()
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded"]


def test_a_scheduler_on_asyncio_can_be_started_on_a_loop_of_the_child(sqlite):
    scheduler = AsyncIOScheduler(jobstores={"default": SQLAlchemyJobStore(sqlite)}, timezone="UTC")

    async def life():
        await scheduler.astart()
        await scheduler.aadd_job(note, id="j", misfire_grace_time=None)
        while [run.status for run in await scheduler.aget_runs("j")] != ["succeeded"]:
            await asyncio.sleep(0.01)
        await scheduler.ashutdown()

    def child():
        assert not scheduler.running
        asyncio.run(life())

    async def main():
        async with scheduler:
            await asyncio.to_thread(lambda: in_child(child))
            assert scheduler.running
            assert len(await scheduler.aget_nodes()) == 1

    asyncio.run(main())


def test_jobs_in_worker_processes_run_in_the_child(sqlite):
    scheduler = BackgroundScheduler(executors={"default": {"type": "processpool", "max_workers": 1}})
    scheduler.start()
    done = threading.Event()
    scheduler.add_listener(lambda _: done.set(), EVENT_JOB_EXECUTED)
    scheduler.add_job(os.getpid, id="j", misfire_grace_time=None)
    assert done.wait(20)

    def child():
        done.clear()
        scheduler.start()
        scheduler.add_job(os.getpid, id="k", misfire_grace_time=None)
        assert done.wait(15)
        scheduler.shutdown()
        return scheduler.get_runs("k")[0].result

    assert in_child(child) != scheduler.get_runs("j")[0].result
    scheduler.shutdown()


# -- locks -----------------------------------------------------------------------------------------------------------------------


def test_locks_that_other_threads_hold_at_the_fork_do_not_matter(scheduler):
    """Threads are in the middle of every call; each child is forked at another point of theirs."""
    over = threading.Event()

    def busy(number):
        while not over.is_set():
            scheduler.add_job(note, "interval", hours=1, id=f"{number}", replace_existing=True)
            scheduler.modify_job(f"{number}", name="x")
            scheduler.add_listener(note, EVENT_JOB_EXECUTED)
            scheduler.remove_listener(note)
            scheduler.get_jobs()

    def child():
        scheduler.start(paused=True)
        scheduler.add_listener(note, EVENT_JOB_EXECUTED)
        scheduler.add_job(note, "interval", hours=1, id="child", replace_existing=True)
        scheduler.get_jobs()
        scheduler.shutdown()

    threads = [threading.Thread(target=busy, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(15):
            in_child(child)
    finally:
        over.set()
        for thread in threads:
            thread.join()
