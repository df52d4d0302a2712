"""A store that does not answer for a while: at a turn, at a heartbeat, at a change."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from _fault_parts import (
    RAN,
    RETRY,
    Held,
    beat,
    events_of,
    note,
    outages,
    slot_of,
    statuses,
    until,
    watch,
)

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing.faults import ConnectionLostError, FaultyStore


def test_an_outage_is_logged_when_it_begins_and_when_it_ends(scheduler, store, caplog):
    scheduler.add_job(note, "interval", seconds=5, id="j")
    store.go_down()
    scheduler.pass_time(5, steps=20)
    assert outages(caplog) == (1, 0)
    store.come_back()
    scheduler.pass_time(5, steps=20)
    assert outages(caplog) == (1, 1)
    store.go_down()
    scheduler.pass_time(5, steps=20)
    assert outages(caplog) == (2, 1)


def test_a_store_that_is_down_is_asked_once_per_retry_interval(scheduler, store):
    scheduler.add_job(note, "interval", seconds=1, id="j")
    store.go_down()
    store.calls.clear()
    scheduler.pass_time(0.5, steps=120)
    assert len(store.calls) == 60 / RETRY


def test_every_due_time_of_an_outage_has_a_record_afterwards(scheduler, store, clock):
    scheduler.add_job(note, "interval", seconds=10, id="j")
    first = clock.now() + timedelta(seconds=10)
    scheduler.pass_time(5, steps=10)
    store.go_down()
    scheduler.pass_time(5, steps=40)
    store.come_back()
    scheduler.pass_time(5, steps=10)
    runs = scheduler.get_runs("j", limit=None)
    due = [first + timedelta(seconds=10 * n) for n in range(30)]
    assert [run.run_time for run in reversed(runs)] == due
    assert {run.status for run in runs} == {"succeeded", "skipped"}


def test_runs_that_are_in_flight_when_the_store_goes_down_are_recorded_when_it_is_back(start, store, caplog):
    held = Held()
    scheduler = start(store, executors={"default": held})
    for number in range(5):
        scheduler.add_job(note, "interval", seconds=5, id=f"{number}", max_instances=3)
    scheduler.pass_time(5)
    store.go_down()
    held.end_all()
    scheduler.pass_time(5, steps=4)
    assert statuses(scheduler) == ["running"] * 5
    assert {run.status for run in slot_of(scheduler).outcomes} == {"succeeded"}
    store.come_back()
    scheduler.pass_time(RETRY)
    assert statuses(scheduler)[:5] == ["succeeded"] * 5
    assert outages(caplog) == (1, 1)
    held.end_all()


def test_a_heartbeat_that_fails_is_no_outage_and_the_next_one_counts(scheduler, store, caplog):
    store.before("heartbeat")
    beat(scheduler)
    store.drop("heartbeat")
    beat(scheduler)
    assert outages(caplog) == (0, 0)
    beat(scheduler)
    [node] = store.read_nodes()
    assert node.counter == scheduler._engine.node.counter


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_scheduler_whose_row_was_taken_away_is_a_node_again_with_its_next_beat(scheduler, store, when):
    store.store.take_over(scheduler._engine.node.id, 1.0, "it looked dead")
    getattr(store, when)("heartbeat")
    beat(scheduler)
    beat(scheduler)
    assert [node.id for node in store.read_nodes()] == [scheduler._engine.node.id]


def test_a_change_that_cannot_be_stored_is_the_callers_to_know_and_changes_nothing(scheduler, store):
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    store.go_down()
    for change in (
        lambda: scheduler.modify_job("j", args=["b"]),
        lambda: scheduler.pause_job("j"),
        lambda: scheduler.remove_job("j"),
        lambda: scheduler.add_job(note, "date", id="other"),
    ):
        with pytest.raises(ConnectionLostError):
            change()
    store.come_back()
    scheduler.pass_time(60)
    assert RAN == ["a"]
    assert [job.id for job in scheduler.get_jobs()] == ["j"]


def test_a_scheduler_stops_in_an_outage_and_its_runs_are_taken_over_by_others(
    start, open_store, store, caplog
):
    held = Held()
    scheduler = start(store, executors={"default": held})
    scheduler.add_job(note, "interval", seconds=5, id="j", misfire_grace_time=None)
    scheduler.pass_time(5)
    store.go_down()
    scheduler.shutdown(timeout=0)
    assert events_of(caplog.records, "record_failed").total() == 1
    store.come_back()
    other = start(open_store())
    beat(other)
    watch(other)
    other.turn()
    assert statuses(other)[0] == "interrupted"
    assert RAN == [None]  # there is room again


# -- on the real clock, with threads --------------------------------------------------------------------------------------


def test_a_store_that_takes_long_keeps_neither_the_other_stores_jobs_nor_a_shutdown_from_ending():
    """The other store's jobs wait for that one call, and no longer."""
    slow, gate = FaultyStore(MemoryJobStore(), blocks=True), threading.Event()
    scheduler = BackgroundScheduler(jobstores={"slow": slow}, timezone="UTC")
    scheduler.start()
    until(lambda: "read_due" in slow.calls)
    slow.before("read_due", gate.wait)
    scheduler.add_job(note, args=["slow"], jobstore="slow", misfire_grace_time=None)
    scheduler.add_job(note, args=["fine"], misfire_grace_time=None)
    gate.set()
    until(lambda: sorted(RAN) == ["fine", "slow"])
    scheduler.shutdown()


def test_an_outage_leaves_a_background_scheduler_at_work(caplog):
    store = FaultyStore(MemoryJobStore(), blocks=True)
    scheduler = BackgroundScheduler(
        jobstores={"default": store}, timezone="UTC", jobstore_retry_interval=0.02, lease=0.06
    )
    scheduler.start()
    scheduler.add_job(note, "interval", seconds=0.02, id="j", misfire_grace_time=None)
    until(lambda: len(RAN) >= 3)
    for _ in range(3):
        store.go_down()
        failed = len(store.calls)
        until(lambda failed=failed: len(store.calls) > failed + 5)
        ran = len(RAN)
        store.come_back()
        until(lambda ran=ran: len(RAN) > ran + 3)
    starts, ends = outages(caplog)
    assert (starts, ends) == (3, 3)
    scheduler.shutdown()
    assert statuses_of(store).keys() <= {"succeeded", "skipped"}


def test_an_outage_leaves_an_asyncio_scheduler_at_work(caplog):
    import asyncio

    store = FaultyStore(MemoryJobStore(), blocks=True)

    async def main() -> None:
        scheduler = AsyncIOScheduler(
            jobstores={"default": store}, timezone="UTC", jobstore_retry_interval=0.02
        )
        scheduler.start()
        scheduler.add_job(note, "interval", seconds=0.02, id="j", misfire_grace_time=None)
        while len(RAN) < 3:
            await asyncio.sleep(0.01)
        store.after("claim")
        while not outages(caplog)[0]:
            await asyncio.sleep(0.01)
        ran = len(RAN)
        while len(RAN) < ran + 5:
            await asyncio.sleep(0.01)
        scheduler.shutdown()

    asyncio.run(asyncio.wait_for(main(), 20))
    assert outages(caplog) == (1, 1)
    assert statuses_of(store).keys() <= {"succeeded", "skipped"}


def statuses_of(store):
    from collections import Counter

    from apscheduler._core.claims import RunQuery

    return Counter(run.status for run in store.store.read_runs(RunQuery(limit=None)))
