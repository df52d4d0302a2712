"""Outcomes in memory: who has one to write waits for nobody, and whoever looks sees it."""

from __future__ import annotations

import threading

import pytest

from apscheduler._core.claims import RUNNING, SUCCEEDED, Claim, Finish, JobRow, NewRun, RunKey, RunQuery
from apscheduler.jobstores._memory_log import MemoryLog
from apscheduler.jobstores.memory import MemoryJobStore


def claim(job_id: str, revision: int = 1, runs=None) -> Claim:
    return Claim(job_id, revision, 20.0, runs or [NewRun(10.0)])


def ended(job_id: str, revision: int = 1) -> list[Finish]:
    return [Finish(RunKey(job_id, revision, 10.0, 1), SUCCEEDED, 10.0, 11.0)]


@pytest.fixture
def store():
    class Handle:
        next_run_time = None

    store = MemoryJobStore()
    store.insert_jobs([JobRow("a", 10.0, 1, Handle())])
    assert list(store.claim("n", [claim("a")])) == [0]
    return store


def test_finishing_does_not_wait_for_who_holds_the_store(store):
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with store._lock:
            held.set()
            go_on.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    try:
        store.finish(
            ended("a")
        )  # would never return, because this thread is the one that lets the other go on
    finally:
        go_on.set()
        holder.join()
    assert [run.status for run in store.read_runs(RunQuery("a"))] == [SUCCEEDED]


@pytest.mark.parametrize(
    "look", ["read_due", "read_runs", "take_over", "read_reruns", "delete_jobs", "prune_runs"]
)
def test_whoever_looks_first_writes_what_has_ended(store, look):
    store._log.ended.append((ended("a"), True))
    arguments = {
        "read_due": (30.0, 10),
        "read_runs": (RunQuery(),),
        "take_over": ("n", 12.0, "it died"),
        "read_reruns": (10,),
        "delete_jobs": (None,),
        "prune_runs": (None, 5),
    }[look]
    answer = getattr(store, look)(*arguments)
    assert not store._log.ended
    if look == "read_due":
        assert [row.live for row in answer.rows] == [0]
    if look == "take_over":
        assert answer == []  # because nothing was running any more
    assert [run.status for run in store.read_runs(RunQuery("a"))] == [SUCCEEDED]


def test_a_signal_handler_that_looks_in_the_middle_of_a_change_leaves_it_alone():
    log = MemoryLog()
    log.record("n", [claim("a"), claim("a", revision=2)])

    class Interrupted(list):
        def __iter__(self):
            log.ended.append((ended("a"), True))
            assert log.live() == {"a": 2}  # the handler, whose answer may be one step behind
            return super().__iter__()

    log.record("n", [claim("a", revision=3, runs=Interrupted([NewRun(10.0)]))])
    assert log.live() == {"a": 2}  # three were started, one has ended
    for revision in (2, 3):
        log.ended.append((ended("a", revision), True))
    assert log.live() == {}
    assert {run.status for run in log.read(RunQuery())} == {SUCCEEDED}


def test_what_was_not_inserted_because_of_another_row_can_be_inserted_anew():
    store = MemoryJobStore()
    store.insert_jobs([JobRow("taken", None, 0, object())])
    for _ in range(3):  # at the same time, but another job each time
        assert store.insert_jobs([JobRow("a", 10.0, 0, object()), JobRow("taken", 10.0, 0, object())]) == [
            "taken"
        ]
    last = object()
    assert store.insert_jobs([JobRow("a", 10.0, 0, last)]) == ()
    [row] = store.read_due(20.0, 10).rows
    assert row.definition is last


def test_what_is_still_running_is_shown_so():
    log = MemoryLog()
    log.record("n", [claim("a")])
    assert [run.status for run in log.read(RunQuery())] == [RUNNING]
